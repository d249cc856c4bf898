"""From turns to the steps of a scenario, as the tables in which a backend file says them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from envparity.model.backend import Backend
from envparity.model.step.bounds import step_problems
from envparity.model.step.sending import Close
from envparity.recording.credentials import Shown, offered
from envparity.recording.events import Closed, Exchange, Opened, Received, Sent, first_of
from envparity.recording.exchanges import exchange_table, needed_exchanges
from envparity.recording.speech import Speech
from envparity.recording.turns import Turn, cookies_of, is_usual, query_of, text_of
from envparity.recording.unsayable import Unsayable, is_plain, json_text, query_table, sayable
from envparity.recording.values import Values, is_braced

__all__ = ["Draft", "Step", "drafted"]

Table = dict[str, Any]

_SWITCHING: Final = 101
_GOODBYE: Final = 1000
_QUICK_S: Final = 0.5  # what took longer may take ten times as long
_LONGEST_S: Final = 600
_ID_LIKE: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}[\d:.,]*(?:Z|[+-]\d{2}:?\d{2})?|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4,12}){4}"
    r"|\b(?=\w*\d)(?=\w*[A-Za-z])\w{8,}\b"
)
_JSON_CODECS: Final = frozenset({"json", "any-json"})


@dataclass
class Step:
    """A step as the file says it, and what was heard where it expects something."""

    table: Table
    connection: str
    turn: int
    heard: Any = None
    type: str | None = None
    waited_s: float = 0.0

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

    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def drafted(
    turns: Sequence[Turn], values: Values, speech: Speech, backend: Backend, shown: Mapping[str, Shown]
) -> Draft:
    """The conversation of these turns. What each step expects is a type alone, and what is captured of it."""
    return _Drafting(turns, values, speech, backend, shown).draft()


class _Drafting:
    def __init__(
        self, turns: Sequence[Turn], values: Values, speech: Speech, backend: Backend, shown: Mapping[str, Shown]
    ) -> None:
        self._turns, self._values, self._speech, self._backend = turns, values, speech, backend
        self._shown = shown
        self._result = Draft()
        self._open: dict[str, None] = {}
        self._counted: dict[str, int] = {}
        self._needed = needed_exchanges(turns, values, backend)
        self._first = next((turn.connection for turn in turns if isinstance(turn.event, Opened)), "a")

    def draft(self) -> Draft:
        carrying = {one.frame_turn for one in self._shown.values()}
        for number, turn in enumerate(self._turns):
            event = turn.event
            try:
                match event:
                    case Exchange() if number in self._needed:
                        table = exchange_table(self._turns, number, self._values, self._needed, self._backend)
                        self._add(table, self._first, number, heard=event.answer, waited_s=event.took_s)
                    case Opened():
                        self._add(self._connect(event, number), event.connection, number, waited_s=event.took_s)
                        if event.status == _SWITCHING:
                            self._open[event.connection] = None
                    case Sent() if number not in carrying:
                        self._add(self._sent(turn, number), event.connection, number)
                    case Received():
                        self._received(turn, number)
                    case Closed():
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
        self._result.steps.append(Step(table, connection, turn, **more))

    # Connecting.

    def _connect(self, event: Opened, number: int) -> Table:
        shown, backend = self._shown.get(event.connection), self._backend
        carrier = shown.carrier if shown is not None else None
        table: Table = {"connect": "valid" if shown is not None else "none"}
        if shown is not None:
            user = self._values.said(shown.user, number)
            table |= {"user": user[6:-1]} if str(user).startswith("{user:") else {}
            usual = backend.tokens.carriers[0] if backend.tokens is not None else None
            table |= {"carrier": shown.carrier.name} if shown.carrier != usual else {}
        table |= self._target(event, number, carrier.query if carrier is not None else None)
        headers = {
            name: sayable(self._values.said(value, number), f"the header {name}")
            for name, value in event.headers
            if not is_usual(name) and not _carries(carrier.header if carrier is not None else None, name)
        }
        table |= {"headers": headers} if headers else {}
        cookies = self._cookies(event, number, carrier.cookie if carrier is not None else None)
        table |= {"cookies": cookies} if cookies else {}
        table |= _origin(event.headers, backend.origin)
        table |= self._subprotocols(event, carrier.subprotocol if carrier is not None else None)
        return table | ({"status": event.status} if event.status != _SWITCHING else {})

    def _target(self, event: Opened, number: int, token_query: str | None) -> Table:
        path = self._values.said_path(event.path, number)
        if event.target == self._backend.websocket_path and path == event.path:
            return {}
        usual_path, _, usual_query = self._backend.websocket_path.partition("?")
        usual = query_of(f"?{usual_query}")
        pairs = [pair for pair in query_of(event.target) if pair not in usual and pair[0] != token_query]
        if self._backend.tokens is not None and "{" in usual_path:
            path = event.path
        table: Table = {} if path == usual_path else {"path": sayable(path, "a path")}
        query = query_table(pairs, self._values, number)
        return table | ({"query": query} if query else {})

    def _cookies(self, event: Opened, number: int, token_cookie: str | None) -> Table:
        """Those that the steps over HTTP before it have not brought."""
        brought = {name for index, names in self._needed.items() if index < number for name in names}
        on_the_jar = event.connection == self._first
        found: Table = {}
        for name, value in cookies_of(event).items():
            if name == token_cookie or (on_the_jar and name in brought):
                continue
            said = self._values.said(value, number)
            if said != value:
                found[name] = said
        return found

    def _subprotocols(self, event: Opened, token_form: str | None) -> Table:
        form = token_form.partition("{")[0] if token_form is not None else None
        names = tuple(name for name in offered(event) if form is None or not name.startswith(form))
        table: Table = {} if names == self._backend.subprotocols else {"offer": list(names)}
        usual = next((name for name in self._backend.subprotocols if name in names), "")
        return table | ({"subprotocol": event.subprotocol} if event.subprotocol != usual else {})

    # Talking.

    def _sent(self, turn: Turn, number: int) -> Table:
        frame = turn.frame
        assert isinstance(turn.event, Sent)  # noqa: S101  of whom this is called
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
        assert isinstance(event, Received) and frame is not None  # noqa: S101, PT018  of whom this is called
        if event.connection not in self._open:
            return
        captures = self._values.captures.get(number, {})
        kind, text = self._speech.type_of(frame), text_of(frame)
        if kind in self._backend.ignored_frames:
            return
        if isinstance(frame, bytes):
            table: Table = {"expect_bytes": "hex:*"}
        elif text is not None:
            table = {"expect_text": self._pattern(text, number, captures)}
            kind = None
        elif isinstance(frame, dict):
            table = {"expect": kind if kind is not None else _any_of(frame)}
            table |= {"capture": captures} if captures else {}
        self._add(table, event.connection, number, heard=frame, type=kind, waited_s=turn.after_s)

    def _pattern(self, text: str, number: int, captures: Table) -> str:
        """All of a text, in which what is captured is a group, and what is made anew each time may be anything."""
        given = {one.value: one.placeholder[1:-1] for one in self._values.known.values() if one.since == number}
        captured = {value: name for value, name in given.items() if name in captures and isinstance(value, str)}
        pieces: list[str] = []
        parts = re.split("|".join(map(re.escape, captured)), text) if captured else [text]
        names = [captured[found] for found in re.findall("|".join(map(re.escape, captured)), text)] if captured else []
        for place, part in enumerate(parts):
            pieces += self._pieces(part, number) if part else ()
            if place < len(names):
                seen = any(f"(?P<{names[place]}>" in piece for piece in pieces)
                pieces.append(f"(?P={names[place]})" if seen else f"(?P<{names[place]}>.+?)")
        return f"^{''.join(pieces)}$"

    def _pieces(self, text: str, number: int) -> Iterator[str]:
        for piece, is_known in self._values.pieces(text, number):
            last = 0
            for found in () if is_known else _ID_LIKE.finditer(piece):
                yield _literal(piece[last : found.start()])
                yield ".+?"
                last = found.end()
            yield piece if is_known else _literal(piece[last:])

    def _closed(self, event: Closed, number: int) -> None:
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


def _origin(headers: Sequence[tuple[str, str]], usual: str | None) -> Table:
    origin, host = first_of(headers, "origin"), first_of(headers, "host")
    own = bool(origin) and origin.partition("://")[2] == host
    said = "allowed" if own else origin or "none"
    return {} if said == (usual or "none") else {"origin": said}


def _carries(header: str | None, name: str) -> bool:
    return header is not None and header.partition(":")[0].strip().lower() == name.lower()


def _has(value: object, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(value, list) and part < len(value)
    return isinstance(value, dict) and part in value


def _literal(text: str) -> str:
    """The text as a pattern; braces in it begin no placeholder."""
    return re.escape(text).replace(r"\ ", " ")
