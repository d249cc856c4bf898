"""The probe's log: one line for each run, and for what changes. For people, or as NDJSON."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Callable
from typing import Literal, Protocol, TextIO

from envparity.probe.alert import Alert, Recovery
from envparity.probe.outcome import ProbeOutcome

__all__ = ["FORMATS", "JsonLog", "Log", "LogFormat", "TextLog", "open_log"]

LogFormat = Literal["text", "json"]
FORMATS: tuple[LogFormat, ...] = ("text", "json")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|##(?=\[)")


class Log(Protocol):
    """Takes what happens, in its sequence."""

    def started(self, target: str, scenario: str, every_s: float) -> None: ...
    def ran(self, outcome: ProbeOutcome, failures: int) -> None:
        """One run; `failures` in a row up to now."""
        ...

    def turned(self, turn: Alert | Recovery) -> None: ...
    def skipped(self, ticks: int) -> None: ...
    def ended(self, why: str, runs: int, failed: int, skipped: int) -> None: ...


class TextLog:
    """Lines for people. What a peer said is shown without control characters, so that no line can be forged."""

    def __init__(self, environment: str, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._environment, self._write, self._clock = environment, write, clock

    def started(self, target: str, scenario: str, every_s: float) -> None:
        often = f", every {every_s:g} s" if every_s else ""
        self._line(self._clock(), f"probes {target} with {scenario}{often}")

    def ran(self, outcome: ProbeOutcome, failures: int) -> None:
        phases = " ".join(f"{phase} {seconds * 1000:.0f}" for phase, seconds in outcome.phases.items())
        took = f"{outcome.duration_s * 1000:.0f} ms" + (f" ({phases})" if phases else "")
        trouble = outcome.trouble
        if trouble is None:
            self._line(outcome.at, f"healthy {took}")
            return
        told = f"; told: {' | '.join(trouble.told)}" if trouble.told else ""
        why = f"in {trouble.phase}: expected {trouble.expected}, got {trouble.got}{told}"
        self._line(outcome.at, f"FAILED {took}, {failures} in a row, {why}")

    def turned(self, turn: Alert | Recovery) -> None:
        if isinstance(turn, Alert):
            self._line(
                self._clock(), f"ALERT {_counted(turn.failures, 'failure')} in a row since {_moment(turn.since)}"
            )
        else:
            self._line(self._clock(), f"RECOVERED after {_counted(turn.failures, 'failure')} in {turn.after_s:.0f} s")

    def skipped(self, ticks: int) -> None:
        self._line(self._clock(), f"skipped {ticks}: the run before took longer than the interval")

    def ended(self, why: str, runs: int, failed: int, skipped: int) -> None:
        self._line(self._clock(), f"ended ({why}): {_counted(runs, 'run')}, {failed} failed, {skipped} skipped")

    def _line(self, at: float, text: str) -> None:
        shown = _CONTROL.sub(lambda match: _spelled(match[0]), text)
        self._write(f"{_moment(at)} {self._environment} {shown}")


class JsonLog:
    """One JSON object a line; `event` says which: started, run, alert, recovered, skipped, ended."""

    def __init__(self, environment: str, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._environment, self._write, self._clock = environment, write, clock

    def started(self, target: str, scenario: str, every_s: float) -> None:
        self._line("started", self._clock(), target=target, scenario=scenario, every_s=every_s)

    def ran(self, outcome: ProbeOutcome, failures: int) -> None:
        trouble = outcome.trouble
        self._line(
            "run",
            outcome.at,
            healthy=outcome.healthy,
            duration_ms=round(outcome.duration_s * 1000, 1),
            phases_ms={phase: round(seconds * 1000, 1) for phase, seconds in outcome.phases.items()},
            handshake=outcome.handshake,
            authentication=outcome.authentication,
            close=outcome.close,
            consecutive_failures=failures,
            failed_in=trouble and trouble.phase,
            expected=trouble and trouble.expected,
            got=trouble and trouble.got,
            told=list(trouble.told) if trouble else [],
        )

    def turned(self, turn: Alert | Recovery) -> None:
        if isinstance(turn, Alert):
            self._line("alert", self._clock(), failures=turn.failures, since=_moment(turn.since))
        else:
            self._line("recovered", self._clock(), failures=turn.failures, after_s=round(turn.after_s, 1))

    def skipped(self, ticks: int) -> None:
        self._line("skipped", self._clock(), ticks=ticks)

    def ended(self, why: str, runs: int, failed: int, skipped: int) -> None:
        self._line("ended", self._clock(), why=why, runs=runs, failed=failed, skipped=skipped)

    def _line(self, event: str, at: float, **more: object) -> None:
        self._write(json.dumps({"time": _moment(at), "event": event, "environment": self._environment, **more}))


def open_log(kind: LogFormat, environment: str, clock: Callable[[], float], stream: TextIO | None = None) -> Log:
    """A log that writes to `stream` (None: standard output), every line at once."""

    def write(line: str) -> None:
        print(line, file=stream or sys.stdout, flush=True)

    return JsonLog(environment, write, clock) if kind == "json" else TextLog(environment, write, clock)


def _spelled(found: str) -> str:
    """A control character as JSON writes it; what GitHub's runner would take for a command, broken up."""
    return "\\u0023#" if found == "##" else json.dumps(found)[1:-1]


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _moment(at: float) -> str:
    """RFC 3339, in UTC, to the millisecond."""
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
