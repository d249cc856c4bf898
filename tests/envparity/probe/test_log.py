"""The log: one line a run, for people or for machines."""

from __future__ import annotations

import io
import json

import pytest

from envparity.probe.alert import Alert, Recovery
from envparity.probe.log import JsonLog, LogFormat, TextLog, open_log
from envparity.probe.outcome import ProbeOutcome, Trouble

AT = 1_757_332_800.25  # 2025-09-08T12:00:00.250Z
GOOD = ProbeOutcome(AT, 0.0432, {"connect": 0.003, "accept": 0.005}, None, "101", "success", "1000")
BAD = ProbeOutcome(
    AT, 5.0, {}, Trouble("message", "agent_started", "nothing", ("close 1013 'x'",)), "101", "success", "1013"
)


def test_lines_for_people() -> None:
    """Moment, environment, what happened; of a failure the phase, what was expected, what came, what was told."""
    lines: list[str] = []
    log = TextLog("staging", lines.append, lambda: AT)
    log.started("wss://a/ws", "conversation", 30.0)
    log.ran(GOOD, 0)
    log.ran(BAD, 2)
    log.turned(Alert(3, AT))
    log.turned(Recovery(1, 61.0))
    log.skipped(2)
    log.ended("SIGTERM", 9, 2, 2)
    assert [line.removeprefix("2025-09-08T12:00:00.250Z staging ") for line in lines] == [
        "probes wss://a/ws with conversation, every 30 s",
        "healthy 43 ms (connect 3 accept 5)",
        "FAILED 5000 ms, 2 in a row, in message: expected agent_started, got nothing; told: close 1013 'x'",
        "ALERT 3 failures in a row since 2025-09-08T12:00:00.250Z",
        "RECOVERED after 1 failure in 61 s",
        "skipped 2: the run before took longer than the interval",
        "ended (SIGTERM): 9 runs, 2 failed, 2 skipped",
    ]


def test_lines_for_machines() -> None:
    """One object a line; the keys of a run are the same whether it failed or not."""
    lines: list[str] = []
    log = JsonLog("staging", lines.append, lambda: AT)
    log.started("wss://a/ws", "conversation", 30.0)
    log.ran(GOOD, 0)
    log.ran(BAD, 2)
    log.turned(Alert(3, AT))
    log.turned(Recovery(1, 61.04))
    log.skipped(2)
    log.ended("SIGTERM", 9, 2, 2)
    read = [json.loads(line) for line in lines]
    assert [entry["event"] for entry in read] == ["started", "run", "run", "alert", "recovered", "skipped", "ended"]
    assert all((entry["time"], entry["environment"]) == ("2025-09-08T12:00:00.250Z", "staging") for entry in read)
    assert read[1].keys() == read[2].keys()
    assert (read[1]["phases_ms"], read[1]["failed_in"]) == ({"connect": 3.0, "accept": 5.0}, None)
    assert (read[2]["failed_in"], read[2]["told"], read[2]["close"]) == ("message", ["close 1013 'x'"], "1013")


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_peer_cannot_forge_a_line(kind: LogFormat) -> None:
    """Newlines and escape sequences of what it said are shown, not written."""
    stream = io.StringIO()
    forged = "x\n2025-09-08T12:00:00Z staging healthy\x1b[2J\u2028\x85"
    open_log(kind, "staging", lambda: AT, stream).ran(ProbeOutcome(AT, 1, trouble=Trouble("message", "a", forged)), 1)
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_a_line_is_written_at_once() -> None:
    """Whoever follows the log sees the run when it is over."""
    flushed = []

    class Stream(io.StringIO):
        def flush(self) -> None:
            flushed.append(self.getvalue())

    open_log("text", "staging", lambda: AT, Stream()).ran(GOOD, 0)
    assert flushed[-1].endswith("\n")
