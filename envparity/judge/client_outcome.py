"""What each client was told when it knocked on a backend whose startup had failed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from envparity.judge.canonical import frame_type
from envparity.judge.evidence import ConnectionOutcome
from envparity.judge.volatile import steady
from envparity.model.backend import Backend
from envparity.observe.frame import plain
from envparity.observe.record import Observation, StartupFailure
from envparity.observe.transcript import (
    ConnectionClosed,
    DeadlinePassed,
    Event,
    FrameReceived,
    HandshakeAnswered,
    HttpAnswered,
)

__all__ = ["ClientOutcome", "first_told", "outcome_text", "starting_scenarios", "what_clients_were_told"]

_SWITCHING = 101


@dataclass(frozen=True)
class ClientOutcome:
    """What a client was told in that scenario, on one connection. `frame_type` is the field that names a frame."""

    scenario: str
    outcome: ConnectionOutcome
    frame_type: str

    @property
    def accepted(self) -> bool:
        """Whether its handshake was answered with 101."""
        return self.outcome.status == _SWITCHING

    @property
    def refused(self) -> bool:
        """Whether it was turned away, in whatever way: the upgrade refused, or a close without having been served."""
        return not self.accepted or (self.outcome.close is not None and self.outcome.served is None)

    def rightly(self, backend: Backend, failures: Sequence[StartupFailure]) -> bool | None:
        """Whether it was 1013 with the component's name, after an error frame; None where the client did not wait.

        A backend that promises nothing of the kind tells nothing wrongly.
        """
        if not backend.startup_refusal:
            return None
        status, close = self.outcome.status, self.outcome.close
        if not self.accepted:
            return None if 0 < status < 500 else False  # an HTTP refusal of its own, such as 403 for an Origin
        if self.outcome.served is not None:
            return False
        if close is not None:
            return self.outcome.error is not None and close[0] == 1013 and _names(backend, failures, close[1])
        if self.outcome.waiting:
            return False
        return None

    @property
    def steadily(self) -> str:
        """The outcome in words, without what differs from run to run, and without the frame's wording."""
        error = {key: value for key, value in (self.outcome.error or {}).items() if key in {self.frame_type, "code"}}
        return steady(outcome_text(msgspec.structs.replace(self.outcome, error=error or self.outcome.error)))


def outcome_text(outcome: ConnectionOutcome) -> str:
    """`error frame {…}, close 1013 startup_failed:postgres`, `handshake refused with 503`."""
    if outcome.status != _SWITCHING:
        return f"handshake refused with {outcome.status}" if outcome.status else "no answer to the handshake"
    parts = []
    if outcome.error is not None:
        parts.append(f"error frame {json.dumps(outcome.error, ensure_ascii=False)}")
    if outcome.served is not None:
        parts.append(f"frame {outcome.served}, as if all were well")
    if outcome.close is not None:
        code, reason = outcome.close
        parts.append(f"close {code} {reason}".rstrip() + ("" if outcome.error else " without an error frame"))
    elif outcome.waiting:
        parts.append("no close")
    return ", ".join(parts) or "nothing"


def first_told(told: Sequence[ClientOutcome], *, accepted: bool = False) -> ClientOutcome | None:
    """The first that was let in; else, unless it must be `accepted`, the first."""
    return next((each_told for each_told in told if each_told.accepted), None if accepted or not told else told[0])


def what_clients_were_told(backend: Backend, observation: Observation) -> tuple[ClientOutcome, ...]:
    """Every connection that was tried once startup had ended, in the order of that boot's transcripts."""
    early = starting_scenarios(backend)
    return tuple(
        _told(backend, transcript.scenario, events)
        for transcript in observation.transcripts
        if transcript.scenario not in early
        for events in _by_connection(transcript.events)
        if isinstance(events[0], HandshakeAnswered)
    )


def starting_scenarios(backend: Backend) -> frozenset[str]:
    """The scenarios that are played while the backend still starts: no client of those can be told how it ended."""
    return frozenset(scenario.name for scenario in backend.scenarios if scenario.part == "starting")


def _by_connection(events: Sequence[Event]) -> Iterator[list[Event]]:
    conversed = [event for event in events if not isinstance(event, HttpAnswered)]
    for name in dict.fromkeys(event.connection for event in conversed):
        yield [event for event in conversed if event.connection == name]


def _told(backend: Backend, scenario: str, events: Sequence[Event]) -> ClientOutcome:
    received = [event.frame for event in events if isinstance(event, FrameReceived)]
    errors = [plain(frame) for frame in received if frame_type(backend, frame) == backend.error_type]
    others = [named for frame in received if (named := frame_type(backend, frame)) != backend.error_type]
    closes = [event for event in events if isinstance(event, ConnectionClosed) and event.by == "server"]
    opened = events[0]
    outcome = ConnectionOutcome(
        status=opened.status if isinstance(opened, HandshakeAnswered) else 0,
        error=errors[0] if errors else None,
        served=others[0] if others else None,
        close=(closes[0].code, closes[0].reason) if closes else None,
        waiting=any(isinstance(event, DeadlinePassed) for event in events),
    )
    return ClientOutcome(scenario, outcome, backend.frame_type)


def _names(backend: Backend, failures: Sequence[StartupFailure], reason: str) -> bool:
    """Whether a close reason is the promised refusal, for a component that failed (if any is known)."""
    promised = backend.startup_refusal or ""
    if failures:
        return any(reason == promised.replace("{component}", failure.component) for failure in failures)
    pattern = re.escape(promised).replace(re.escape("{component}"), ".+")
    return re.fullmatch(pattern, reason) is not None
