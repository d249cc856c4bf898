"""What is written down of a conversation: no token ever, and generated values by their names where people read."""

from __future__ import annotations

import json
import textwrap
from typing import Any, Literal

from envparity.conversation.arrivals import Arrival
from envparity.conversation.script import Script
from envparity.observe.record import Departure, Entry, Transcript
from envparity.scenario import Scenario

__all__ = ["Departed", "Recorder"]

_SHOWN = 300
_EntryKind = Literal["handshake", "sent", "received", "close", "silence", "timeout", "control"]
_DepartureKind = Literal["handshake", "frame", "close", "timeout", "silence", "control"]


class Departed(Exception):
    """The conversation left its script."""

    def __init__(self, kind: _DepartureKind, expected: str, got: str, connection: str = "") -> None:
        self.kind, self.expected, self.got, self.connection = kind, expected, got, connection
        super().__init__(f"{kind}: expected {expected}, got {got}")


class Recorder:
    """Keeps the transcript of one playing. `now_s` is when what is noted happens, unless the note says otherwise."""

    def __init__(self, scenario: Scenario, script: Script) -> None:
        self.now_s = 0.0
        self.departure: Departure | None = None
        self.names: dict[str, str] = dict(script.names)
        self._scenario = scenario
        self._entries: list[Entry] = []
        self._secrets = sorted(script.secrets.items(), key=lambda pair: -len(pair[0]))
        self._volatile = script.volatile

    def note(
        self,
        connection: str,
        phase: str,
        kind: _EntryKind,
        data: dict[str, Any],
        *,
        violations: tuple[str, ...] = (),
        at_s: float | None = None,
    ) -> None:
        """Write an entry, without the secrets that may be in it."""
        at_s = self.now_s if at_s is None else at_s
        self._entries.append(Entry(at_s, connection, phase, kind, self._bare(data), tuple(self._bare(violations))))

    def note_arrival(self, connection: str, arrival: Arrival, phase: str) -> None:
        """Write what a connection brought, at the time when it came."""
        if arrival.closed:
            self.note(connection, "close", "close", arrival.data, violations=arrival.violations, at_s=arrival.at_s)
        else:
            self.note(connection, phase, "received", arrival.data, violations=arrival.violations, at_s=arrival.at_s)

    def depart(self, departed: Departed, step: int) -> None:
        """Keep the first departure."""
        if self.departure is None:
            expected, got = str(self._bare(departed.expected)), str(self._bare(departed.got))
            self.departure = Departure(step, departed.kind, expected, got, departed.connection)

    def what(self, arrival: Arrival) -> str:
        """An arrival in a few words for people: the same in every playing."""
        if arrival.closed:
            return "close {code} {reason!r} by the {by}".format(**arrival.data)
        return self.shown(arrival.data)

    def unlike(self, arrival: Arrival, expected: str, connection: str) -> Departed:
        """What came instead of what was expected."""
        return Departed("close" if arrival.closed else "frame", expected, self.what(arrival), connection)

    def shown(self, frame: dict[str, Any]) -> str:
        """A frame without its volatile fields, ids by name."""
        kept = {name: one for name, one in frame.items() if name not in self._volatile}
        text = str(self._bare(json.dumps(kept, ensure_ascii=False)))
        for value, name in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(value, name)
        return textwrap.shorten(text, _SHOWN, placeholder=" …")

    @property
    def transcript(self) -> Transcript:
        """The conversation so far."""
        return Transcript(
            scenario=self._scenario.name,
            group=self._scenario.group,
            entries=tuple(self._entries),
            departure=self.departure,
            names=dict(self.names),
            duration_s=self.now_s,
        )

    def _bare(self, value: Any) -> Any:
        """The value with every secret in it replaced, at any depth, in keys too."""
        if isinstance(value, str):
            for secret, name in self._secrets:
                value = value.replace(secret, name)
            return value
        if isinstance(value, dict):
            return {self._bare(name): self._bare(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._bare(one) for one in value]
        return value
