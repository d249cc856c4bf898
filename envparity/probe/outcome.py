"""What one run of the probe showed, read from how its conversation went. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence

import msgspec

from envparity.judge.canonical import frame_type
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.model.step import ExpectStep
from envparity.observe.frame import JsonFrame
from envparity.observe.transcript import ConnectionClosed, Event, FrameReceived, Transcript, violations_of
from envparity.probe.attempt import ProbeAttempt
from envparity.probe.labels import close_label

__all__ = ["ProbeOutcome", "Trouble", "outcome_of", "without_credentials"]

_SHOWN = 300


class Trouble(msgspec.Struct, frozen=True):
    """Why a run was a failure. `phase` is one of `labels.PHASES`, or "credentials" where it came to none of them.

    `told` is what the client was told: error frames, and the close.
    """

    phase: str
    expected: str
    got: str
    told: tuple[str, ...] = ()


class ProbeOutcome(msgspec.Struct, frozen=True):
    """One run. `at` seconds since the epoch when it began; `phases` seconds by phase, of those that were completed.

    `handshake`, `authentication` and `close` are labels (see `labels`), None where it did not come that far.
    """

    at: float
    duration_s: float
    phases: dict[str, float] = {}
    trouble: Trouble | None = None
    handshake: str | None = None
    authentication: str | None = None
    close: str | None = None

    @property
    def healthy(self) -> bool:
        return self.trouble is None


def without_credentials(at: float, duration_s: float, why: str) -> ProbeOutcome:
    """The outcome of a run that ended before it began: a failure, for nobody knows how the backend is."""
    return ProbeOutcome(at, duration_s, trouble=Trouble("credentials", "a key or a token", why))


def outcome_of(attempt: ProbeAttempt, scenario: Scenario, backend: Backend, at: float) -> ProbeOutcome:
    """Read an attempt. A departure from the script is a failure, and so is what the contract has against a frame."""
    transcript = attempt.transcript
    welcomed_s = _welcomed_s(transcript, scenario)
    return ProbeOutcome(
        at=at,
        duration_s=transcript.duration_s,
        phases=_phases(attempt, welcomed_s),
        trouble=_trouble(attempt, backend, welcomed_s),
        handshake=attempt.handshake,
        authentication=_authentication(attempt, welcomed_s),
        close=None if attempt.close_code is None else close_label(attempt.close_code),
    )


def _welcomed_s(transcript: Transcript, scenario: Scenario) -> float | None:
    """When the first frames that are expected had arrived: then the client is known, and is told so."""
    first = next(index for index, step in enumerate(scenario.steps) if isinstance(step, ExpectStep))
    if transcript.departure is not None and transcript.departure.step <= first:
        return None
    welcome = [
        event.at_s for event in transcript.events if isinstance(event, FrameReceived) and event.phase == "authenticate"
    ]
    return welcome[-1] if welcome else None


def _phases(attempt: ProbeAttempt, welcomed_s: float | None) -> dict[str, float]:
    """From the end of one phase to the end of the next, as far as it came."""
    events = attempt.transcript.events
    closed_s = next((event.at_s for event in reversed(events) if isinstance(event, ConnectionClosed)), None)
    ends = {
        "connect": attempt.connected_s,
        "accept": attempt.accepted_s,
        "authenticate": welcomed_s,
        "message": attempt.closing_s,
        "close": closed_s if attempt.transcript.departure is None else None,
    }
    phases: dict[str, float] = {}
    before = 0.0
    for phase, end in ends.items():
        if end is None:
            break
        phases[phase] = max(end - before, 0.0)
        before = end
    return phases


def _trouble(attempt: ProbeAttempt, backend: Backend, welcomed_s: float | None) -> Trouble | None:
    transcript = attempt.transcript
    told = tuple(_told(transcript.events, backend))
    if transcript.departure is not None:
        departure = transcript.departure
        return Trouble(_phase(attempt, welcomed_s), departure.expected, departure.got, told)
    for event in transcript.events:
        if violations := violations_of(event):
            return Trouble(event.phase, "what the contract says", "; ".join(violations), told)
    return None


def _phase(attempt: ProbeAttempt, welcomed_s: float | None) -> str:
    """The phase in which it left its script: the first that was not completed."""
    if attempt.connected_s is None:
        return "connect"
    if attempt.accepted_s is None:
        return "accept"
    if welcomed_s is None:
        return "authenticate"
    return "message" if attempt.closing_s is None else "close"


def _authentication(attempt: ProbeAttempt, welcomed_s: float | None) -> str | None:
    if attempt.accepted_s is None:
        return None
    if welcomed_s is not None:
        return "success"
    events = attempt.transcript.events
    closes = [event.code for event in events if isinstance(event, ConnectionClosed) and event.by == "server"]
    if closes:
        return "refused" if closes[-1] == 1008 else "closed"
    departure = attempt.transcript.departure
    if departure is not None and departure.kind == "close":
        return "closed"
    return "timeout" if departure is not None and departure.kind == "timeout" else "unexpected"


def _told(events: Sequence[Event], backend: Backend) -> Iterator[str]:
    """Error frames and the close, shortened."""
    for event in events:
        match event:
            case FrameReceived(frame=JsonFrame(value) as frame) if frame_type(backend, frame) == backend.error_type:
                said = {name: held for name, held in value.items() if name not in backend.volatile}
                yield _short(json.dumps(said, ensure_ascii=False))
            case ConnectionClosed(code=code, reason=reason, by=by):
                yield _short(f"close {code} {reason!r} by the {by}")


def _short(text: str) -> str:
    return textwrap.shorten(text, _SHOWN, placeholder=" …")
