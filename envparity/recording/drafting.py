"""From turns to the steps of a scenario, as the tables in which a backend file says them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from envparity.model.backend import Backend
from envparity.model.step.bounds import step_problems
from envparity.model.step.sending import Close
from envparity.recording.connecting import ConnectTables
from envparity.recording.credentials import ShownCredential
from envparity.recording.events import HttpExchange, MessageReceived, MessageSent, WebSocketClosed, WebSocketOpened
from envparity.recording.exchanges import exchange_table, needed_exchanges
from envparity.recording.polling import types_of
from envparity.recording.speech import Speech
from envparity.recording.text_pattern import text_pattern
from envparity.recording.turns import Turn, text_of
from envparity.recording.unsayable import Unsayable, is_plain, json_text, sayable
from envparity.recording.values import Values, is_braced

__all__ = ["Draft", "DraftStep", "drafted"]

Table = dict[str, Any]

_SWITCHING: Final = 101
_GOODBYE: Final = 1000
_QUICK_S: Final = 0.5  # what took longer may take ten times as long
_LONGEST_S: Final = 600
_JSON_CODECS: Final = frozenset({"json", "any-json"})


@dataclass
class DraftStep:
    """A step as the file says it, and what was heard where it expects something; `kept` are fields that it always
    expects.
    """

    table: Table
    connection: str
    turn: int
    heard: Any = None
    type: str | None = None
    waited_s: float = 0.0
    kept: Table = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.waited_s > _QUICK_S:
            self.table = self.table | {"within_s": min(max(math.ceil(10 * self.waited_s), 10), _LONGEST_S)}

    @property
    def is_expected(self) -> bool:
        """Whether it takes a frame of the backend's."""
        return self.heard is not None and "http" not in self.table


@dataclass
class Draft:
    """The steps of a scenario, and what of the recording could not be said."""

    steps: list[DraftStep] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def drafted(
    turns: Sequence[Turn], values: Values, speech: Speech, backend: Backend, shown: Mapping[str, ShownCredential]
) -> Draft:
    """The conversation of these turns. What each step expects is a type alone, and what is captured of it."""
    return _Drafting(turns, values, speech, backend, shown).draft()


class _Drafting:
    def __init__(
        self,
        turns: Sequence[Turn],
        values: Values,
        speech: Speech,
        backend: Backend,
        shown: Mapping[str, ShownCredential],
    ) -> None:
        self._turns, self._values, self._speech, self._backend = turns, values, speech, backend
        self._shown = shown
        self._result = Draft()
        self._open: dict[str, None] = {}
        self._counted: dict[str, int] = {}
        self._needed = needed_exchanges(turns, values, backend)
        self._first = next((turn.connection for turn in turns if isinstance(turn.event, WebSocketOpened)), "a")
        self._connecting = ConnectTables(values, backend, shown, self._needed, self._first)

    def draft(self) -> Draft:
        carrying = {shown.frame_turn for shown in self._shown.values()}
        for number, turn in enumerate(self._turns):
            event = turn.event
            try:
                match event:
                    case HttpExchange() if number in self._needed:
                        table = exchange_table(self._turns, number, self._values, self._needed, self._backend)
                        heard = turn.answer if turn.brings_frames or isinstance(turn.answer, dict) else None
                        kept = types_of(turn, self._speech)
                        table |= {"fields": kept} if kept else {}
                        self._add(table, self._first, number, heard=heard, waited_s=event.took_s, kept=kept)
                    case WebSocketOpened():
                        self._add(
                            self._connecting.table(event, number), event.connection, number, waited_s=event.took_s
                        )
                        if event.status == _SWITCHING:
                            self._open[event.connection] = None
                    case MessageSent() if number not in carrying:
                        self._add(self._sent(turn, number), event.connection, number)
                    case MessageReceived():
                        self._received(turn, number)
                    case WebSocketClosed():
                        self._closed(event, number)
            except Unsayable as error:
                self._result.notes.append(str(error))
        for name in self._open:
            self._add({"close": _GOODBYE}, name, len(self._turns))
        return self._result

    def _add(self, table: Table, connection: str, turn: int, **more: Any) -> None:
        if connection != "a":
            first = next(iter(table))
            rest = {name: value for name, value in table.items() if name != first}
            table = {first: table[first], "on": connection, **rest}
        self._result.steps.append(DraftStep(table, connection, turn, **more))

    # Talking.

    def _sent(self, turn: Turn, number: int) -> Table:
        frame = turn.frame
        assert isinstance(turn.event, MessageSent)  # noqa: S101  of whom this is called
        if isinstance(frame, bytes):
            return {"send_bytes": f"hex:{frame.hex()}"}
        if isinstance(frame, str):
            return {"send_text": sayable(self._values.said(frame, number), "a text")}
        assert frame is not None  # noqa: S101  a message has one
        frame = self._with_counters(frame)
        if self._speech.name == "text":
            return {"send_text": sayable(self._values.said(frame["text"], number), "a text")}
        if is_plain(frame, self._values.counters):
            return {"send": self._values.said(frame, number)}
        if self._speech.name in _JSON_CODECS:
            held = frame["json"] if self._speech.name == "any-json" and set(frame) == {"json"} else frame
            return {"send_text": json_text(held, self._values, number)}
        raise Unsayable(f"a frame of {self._speech.name} with null or braces in it cannot be said in a scenario")

    def _with_counters(self, frame: Table) -> Table:
        """The frame with the number of each counter as its placeholder."""
        made: Table = json.loads(json.dumps(frame))
        for path, name in self._values.counters.items():
            parent: Any = made
            for part in path[:-1]:
                parent = parent[part] if _has(parent, part) else None
            if _has(parent, path[-1]):
                self._counted[name] = self._counted.get(name, 0) + 1
                parent[path[-1]] = f"{{counter:{name}}}"
        return made

    def _received(self, turn: Turn, number: int) -> None:
        frame, event = turn.frame, turn.event
        assert isinstance(event, MessageReceived) and frame is not None  # noqa: S101, PT018  of whom this is called
        if event.connection not in self._open:
            return
        captures = self._values.captures.get(number, {})
        kind, text = self._speech.type_of(frame), text_of(frame)
        if kind in self._backend.ignored_frames:
            return
        if isinstance(frame, bytes):
            table: Table = {"expect_bytes": "hex:*"}
        elif text is not None:
            table = {"expect_text": text_pattern(self._values, text, number, captures)}
            kind = None
        elif isinstance(frame, dict):
            table = {"expect": kind if kind is not None else _any_of(frame)}
            table |= {"capture": captures} if captures else {}
        self._add(table, event.connection, number, heard=frame, type=kind, waited_s=turn.after_s)

    def _closed(self, event: WebSocketClosed, number: int) -> None:
        if event.connection not in self._open:
            return
        del self._open[event.connection]
        if event.by == "client":
            sendable = not any(step_problems(Close(event.code)))
            self._add({"close": event.code if sendable else _GOODBYE}, event.connection, number)
            return
        reason = self._values.said(event.reason, number)
        said = reason and not self._values.is_secret(event.reason) and not is_braced(event.reason)
        self._add({"expect_close": [event.code, reason] if said else event.code}, event.connection, number)


def _any_of(frame: Table) -> Table:
    """What is expected of a frame that has no type: that it has the fields that it has."""
    names = [name for name in frame if name and not name.startswith("/") and "." not in name and not is_braced(name)]
    return dict.fromkeys(names[:4], "{any}") or {"json": "{any}"}


def _has(value: object, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(value, list) and part < len(value)
    return isinstance(value, dict) and part in value
