"""Finding out what the values of a recording are, turn by turn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from envparity.model.step.values import MADE
from envparity.recording.events import HttpExchange, MessageReceived, MessageSent
from envparity.recording.speech import Path, leaves
from envparity.recording.turns import SaidValue, Turn, heard_in, key_of, said_in
from envparity.recording.values import WITHIN, Values, pointer
from envparity.support.redaction import is_secret_name, without_shapes
from envparity.support.redaction.names import SHORTEST

__all__ = ["read_values"]

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ID_NAME: Final = re.compile(
    r"(?:^|[_.-])(?:ids?|uuid|key|token|sid|cursor|nonce|ticket|seq|ref|handle|session|xsrf|csrf\w*)$"
    r"|[a-z](?:Id|ID|Uuid|Token|Key|Ticket|Cursor|Ref|Handle)$",
    re.IGNORECASE,
)
_ID_VALUE: Final = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[\w.:~-]{6,}|[0-9]{5,}|[\w-]{20,}")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?")
_USER_NAME: Final = frozenset({"user", "username", "user_name", "nick", "nickname"})
_LEAST_NUMBER: Final = 1000
_WHERE: Final = {
    "frame": "of a frame",
    "form": "of a form",
    "headers": "the header",
    "json": "of a body",
    "path": "a part of a path",
    "query": "of a query",
}
_SCHEME_WORD: Final = re.compile(r"(?:Bearer|Basic|Token|Negotiate|ApiKey)\s+", re.IGNORECASE)


def read_values(values: Values, turns: Sequence[Turn]) -> None:
    """Note what is found in these turns."""
    _Reading(values, turns).read()


@dataclass(frozen=True)
class _Reading:
    """One recording being read: what the backend has said so far, with the turn, and what the client has."""

    values: Values
    turns: Sequence[Turn]
    heard: dict[tuple[type, object], tuple[int, SaidValue]] = field(default_factory=dict)
    said: set[tuple[type, object]] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)
    _ids: dict[str, None] = field(default_factory=dict)

    def read(self) -> None:
        """Go through all of the recording."""
        self._count()
        heard, said = self.heard, self.said
        for number, turn in enumerate(self.turns):
            for each_said in said_in(turn):
                self._client_said(number, each_said)
                said.add((type(each_said.value), each_said.value))
            for each_said in heard_in(turn):
                key = (type(each_said.value), each_said.value)
                better = key in heard and isinstance(self.turns[heard[key][0]].event, HttpExchange)
                if key not in said and (key not in heard or (better and isinstance(turn.event, MessageReceived))):
                    heard[key] = (number, each_said)
                    if isinstance(each_said.value, str) and len(each_said.value) >= WITHIN and _may_be_made(each_said):
                        self._ids[each_said.value] = None

    def _client_said(self, number: int, said: SaidValue) -> None:
        value, values = said.value, self.values
        if isinstance(value, bool | float) or value is None or value == "":
            return
        if self._is_counter(said):
            return
        origin = self._origin(said)
        if origin is not None:
            at, where = origin
            if (type(where.value), where.value) not in values.known:
                name = self._named(where.key or said.key or "value")
                values.captures.setdefault(at, {})[name] = pointer(where.place)
                names = self._names_of(where.value)
                values.stands_for(where.value, f"{{{name}}}", at, secret=is_secret_name(where.key), names=names)
                if str(where.value) != where.value or not isinstance(value, type(where.value)):
                    values.stands_for(value, f"{{{name}}}", at, names=names)
        elif (
            not isinstance(value, str) or {(str, value)} & (values.known.keys() | self.said) or values.has_secret(value)
        ):
            return
        elif self._is_credential(said):
            self._invent(said)
        elif _UUID.fullmatch(value):
            values.stands_for(value, f"{{uuid:{self._named(said.key or 'id')}}}", number - 1)
        elif (
            values.names_users
            and said.key.lower() in _USER_NAME
            and said.place[0] in {"frame", "json", "form", "query"}
        ):
            users = [known for known in values.known.values() if known.placeholder.startswith("{user")]
            values.stands_for(value, f"{{user:user{len(users) + 1}}}" if users else "{user}", number - 1)

    def _names_of(self, value: object) -> tuple[str, ...]:
        """The names under which that value is said that are names of ids; those of others say another thing."""
        both = (said for turn in self.turns for said in (*said_in(turn), *heard_in(turn)))
        same = {said.key for said in both if str(said.value) == str(value) and not isinstance(said.value, bool)}
        return tuple(name for name in same if _ID_NAME.search(name))

    def _origin(self, said: SaidValue) -> tuple[int, SaidValue] | None:
        """Where the backend has said what the client says there, if it is something that a backend makes."""
        value, heard = said.value, self.heard
        candidates: list[tuple[type, object]] = [(type(value), value)]
        if isinstance(value, str) and value.isdecimal() and len(value) < 20 and said.place[0] != "frame":
            candidates.append((int, int(value)))
        for key in candidates:
            if key in heard and _is_made(heard[key][1], said):
                return heard[key]
        if not isinstance(value, str):
            return None
        within = [heard[str, held] for held in self._ids if held in value and _is_made(heard[str, held][1], said)]
        return max(within, key=lambda found: len(found[1].value), default=None)

    def _is_credential(self, said: SaidValue) -> bool:
        value = str(said.value)
        if len(value) < SHORTEST or _TIME.fullmatch(value):
            return False
        if said.place[0] == "headers" and said.key.lower() in {"authorization", "proxy-authorization"}:
            return True
        return is_secret_name(said.key) or without_shapes(value) != value

    def _invent(self, said: SaidValue) -> None:
        """A setting for a credential that nobody makes: its value is what was said, and stands in no output."""
        value = str(said.value)
        scheme = _SCHEME_WORD.match(value)
        held = value[scheme.end() :] if scheme and said.place[0] == "headers" else value
        where = f"{_WHERE[str(said.place[0])]} {said.key}".strip()
        self.values.setting_of(said.key or "credential", held, where)

    def _count(self) -> None:
        """Numbers that the client counts: 1, 2, … in every frame that has one at that place."""
        told: dict[Path, list[object]] = {}
        for turn in self.turns:
            if isinstance(turn.event, MessageSent) and isinstance(turn.frame, dict):
                for path, value in leaves(turn.frame):
                    told.setdefault(path, []).append(value)
        for path, held in told.items():
            if len(held) > 1 and held == list(range(1, len(held) + 1)) and not isinstance(held[0], bool):
                self.values.counters[path] = self._named(key_of(path) or "number")

    def _is_counter(self, said: SaidValue) -> bool:
        return said.place[0] == "frame" and said.place[1:] in self.values.counters

    def _named(self, key: str) -> str:
        """A name for a placeholder that nothing else has."""
        base = re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)).strip("_").lower() or "value"
        base = base if base[0].isalpha() else f"v_{base}"
        base = f"{base}_given" if base in MADE else base
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name


def _may_be_made(heard: SaidValue) -> bool:
    """Whether a text of the backend's looks like something that it made, whoever says it again."""
    given = bool(heard.place) and str(heard.place[0]).startswith(("cookie:", "header:"))
    return given or bool(_ID_NAME.search(heard.key) or _UUID.fullmatch(heard.value) or _ID_VALUE.fullmatch(heard.value))


def _is_made(heard: SaidValue, said: SaidValue) -> bool:
    """Whether what the backend has said is something that it made: an id by its name, or by what it looks like."""
    value = heard.value
    if heard.place and str(heard.place[0]).startswith(("cookie:", "header:")):
        return True
    named = bool(_ID_NAME.search(heard.key))
    if isinstance(value, int):
        return value >= _LEAST_NUMBER or (named and (said.key == "" or bool(_ID_NAME.search(said.key))))
    if _TIME.fullmatch(value):
        return False
    if named and (said.key == "" or _ID_NAME.search(said.key) or said.place[0] == "path"):
        return True
    return bool(_UUID.fullmatch(value) or _ID_VALUE.fullmatch(value))
