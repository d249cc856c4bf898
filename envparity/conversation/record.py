"""What is written down of a conversation: no token ever, and generated values by their names where people read."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from envparity.conversation.arrivals import Arrival, Closure
from envparity.conversation.filling import said_with_placeholders
from envparity.conversation.resolved import ResolvedScenario
from envparity.conversation.skipped import SkippedFrames
from envparity.model.scenario import Scenario
from envparity.observe.disturbed import Disturbed
from envparity.observe.frame import plain
from envparity.observe.moments import is_moment
from envparity.observe.transcript import (
    ConnectionClosed,
    Departure,
    DepartureKind,
    Event,
    FrameReceived,
    LoggedLines,
    Transcript,
)

__all__ = ["Departed", "Recorder"]

_SHOWN = 300
_LOGGED = 200
_SHORTEST_SECRET = 8
_INTERNAL_ERROR = 1011


class Departed(Exception):
    """The conversation left its script."""

    def __init__(self, kind: DepartureKind, expected: str, got: str, connection: str = "") -> None:
        self.kind, self.expected, self.got, self.connection = kind, expected, got, connection
        super().__init__(f"{kind}: expected {expected}, got {got}")


def _steady(value: object) -> object:
    """The value, in which each text that is a moment is `<time>`: it is another one in each play."""
    if isinstance(value, dict):
        return {name: _steady(under) for name, under in value.items()}
    if isinstance(value, list):
        return [_steady(under) for under in value]
    return "<time>" if isinstance(value, str) and is_moment(value) else value


class Recorder:
    """Keeps the transcript of one playing. `now_s` is the time by the clock of whoever drives it."""

    def __init__(self, scenario: Scenario, script: ResolvedScenario) -> None:
        self.now_s = 0.0
        self.departure: Departure | None = None
        self.names: dict[str, str] = dict(script.names)
        self.failed_s: float | None = None
        self.disturbed: tuple[Disturbed, ...] = ()
        self.readiness: tuple[int | None, ...] = ()
        self._logged: tuple[LoggedLines, ...] = ()
        self._scenario = scenario
        self._events: list[Event] = []
        self._redaction = script.redaction.for_a_while(script.secrets)
        self._volatile = script.volatile
        self._error_type = script.error_type
        self._saw_internal_error = False
        self._said: dict[str, str] = {}
        self.met_secrets: dict[str, str] = {}
        self._skipped: list[FrameReceived] = []
        self._keeping = SkippedFrames()

    def note(self, event: Event) -> None:
        """Write down what happened, without the secrets that may be in it."""
        self._events.append(self._redaction.struct(event))
        if isinstance(event, ConnectionClosed) and event.code == _INTERNAL_ERROR and not self._saw_internal_error:
            self.failed_s, self._saw_internal_error = event.at_s, True

    def note_arrival(self, connection: str, arrival: Arrival | Closure, phase: str) -> None:
        """Write what a connection brought, at the time when it came."""
        match arrival:
            case Closure(noted=int()):
                pass
            case Closure(at_s, code, reason, by, violations):
                self.note(ConnectionClosed(at_s, connection, "close", code, reason, by, violations))
            case Arrival(at_s, frame, violations):
                self.note(FrameReceived(at_s, connection, phase, frame, violations))

    def note_skipped(self, connection: str, arrival: Arrival, kind: str | None) -> None:
        """Write down a frame that no step reads: as an event where the contract has something against it; else beside
        the events, where it is one to keep."""
        if arrival.violations:
            self.note_arrival(connection, arrival, "message")
            return
        event = FrameReceived(arrival.at_s, connection, "message", arrival.frame)
        if self._keeping.is_kept(event, kind, arrival.size, self.names):
            self._skipped.append(self._redaction.struct(event))

    def note_said(self, expected: Mapping[str, object], number: int | None = None) -> None:
        """Write down what the script says with placeholders of the environment of that event, or of the last."""
        self.note_compared_as(said_with_placeholders(expected), number)

    def note_compared_as(self, said: Mapping[str, str], number: int | None = None) -> None:
        """Write down what is compared between environments in place of values of that event, or of the last."""
        event = self.last if number is None else number
        self._said |= {f"{event}.{path}": self._redaction.text(text) for path, text in said.items()}

    @property
    def last(self) -> int:
        """The number of the event that was noted last."""
        return len(self._events) - 1

    def rearrange(self, numbers: Sequence[int], places: Sequence[int]) -> None:
        """Put the events of these numbers in another order: `places` says where each goes."""
        events = [self._events[number] for number in numbers]
        for event, place in zip(events, places, strict=True):
            self._events[numbers[place]] = event

    def keep_secret(self, value: str, shown: str) -> bool:
        """From now on that value is a secret, which is shown as that; False for one too short to be one."""
        if len(value) < _SHORTEST_SECRET:
            return False
        self._redaction = self._redaction.and_of([(value, shown)])
        self.met_secrets[value] = shown
        return True

    def depart(self, departed: Departed, step: int) -> None:
        """Keep the first departure."""
        if self.departure is None:
            expected, got = self._redaction.text(departed.expected), self._redaction.text(departed.got)
            if self.failed_s is None:
                self.failed_s = self.now_s
            self.departure = Departure(step, departed.kind, expected, got, departed.connection)

    def note_logged(self, logged: Iterable[LoggedLines]) -> None:
        """Keep what was logged in the moments of the failure: of each source the last 200 lines."""
        kept = (lines for lines in logged if lines.lines)
        self._logged = tuple(
            LoggedLines(
                lines.source,
                tuple(self._redaction.text(line) for line in lines.lines[-_LOGGED:]),
                lines.left_out + max(len(lines.lines) - _LOGGED, 0),
                lines.is_replica,
            )
            for lines in kept
        )

    def what(self, arrival: Arrival | Closure, unexpected: str | None = None) -> str:
        """An arrival in a few words for people: the same in every playing, and in every environment.

        `unexpected` is the type of a frame of which no such was expected: what else is in it is what that environment
        says in all of them, and is not said, but for an error, which says what is wrong.
        """
        if isinstance(arrival, Closure):
            return f"close {arrival.code} {arrival.reason!r} by the {arrival.by}"
        frame = plain(arrival.frame)
        if unexpected in {None, self._error_type}:
            return self.shown(frame)
        naming: dict[str, object] = {name: value for name, value in frame.items() if value == unexpected}
        if len(naming) == len(frame):
            return self.shown(frame)
        return f"{self.shown(naming)[:-1]}, …}}" if naming else f"{unexpected} …"

    def unlike(
        self, arrival: Arrival | Closure, expected: str, connection: str, unexpected: str | None = None
    ) -> Departed:
        """What came instead of what was expected; `unexpected` as in `what`."""
        kind: DepartureKind = "close" if isinstance(arrival, Closure) else "frame"
        return Departed(kind, expected, self.what(arrival, unexpected), connection)

    def shown(self, frame: dict[str, object]) -> str:
        """A frame without its volatile fields, ids by name, moments as what they are."""
        kept = {name: _steady(each_value) for name, each_value in frame.items() if name not in self._volatile}
        text = self._redaction.text(json.dumps(kept, ensure_ascii=False))
        for value, name in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(value, name)
        return textwrap.shorten(text, _SHOWN, placeholder=" …")

    @property
    def transcript(self) -> Transcript:
        """The conversation so far."""
        return Transcript(
            scenario=self._scenario.name,
            group=self._scenario.group,
            events=tuple(self._events),
            departure=self.departure,
            names=dict(self.names),
            said=dict(self._said),
            duration_s=self.now_s,
            logged=self._logged,
            disturbed=self.disturbed,
            readiness=self.readiness,
            skipped=tuple(self._skipped),
        )
