"""What the values of a recording are: made by the backend and used again, made by the client, given by a setting.

A value that the client says after the backend has said it becomes a capture; an id, a name or a number that the client
makes becomes a placeholder; a credential becomes a setting, and its value is written nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from envparity.model.step.values import MADE
from envparity.recording.events import Exchange, Received, Sent
from envparity.recording.speech import Path, leaves
from envparity.recording.turns import Said, Turn, heard_in, key_of, said_in
from envparity.redaction import is_secret_name, without_shapes
from envparity.redaction.names import SHORTEST

__all__ = ["Known", "Values", "is_braced", "pointer"]

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ID_NAME: Final = re.compile(
    r"(?:^|[_.-])(?:ids?|uuid|key|token|sid|cursor|nonce|ticket|seq|ref|handle|session|xsrf|csrf\w*)$"
    r"|[a-z](?:Id|ID|Uuid|Token|Key|Ticket|Cursor|Ref|Handle)$",
    re.IGNORECASE,
)
_ID_VALUE: Final = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[\w.:~-]{6,}|[0-9]{5,}|[\w-]{20,}")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?")
_USER_NAME: Final = frozenset({"user", "username", "user_name", "nick", "nickname"})
_BRACED: Final = re.compile(r"\{[^{}\"]*\}")
_WITHIN: Final = 8
"""From how many characters on a value is looked for within longer texts."""
_LEAST_NUMBER: Final = 1000
_SETTING_NAME: Final = re.compile(r"[^A-Za-z0-9]+")
_WHERE: Final = {
    "frame": "of a frame",
    "form": "of a form",
    "headers": "the header",
    "json": "of a body",
    "path": "a part of a path",
    "query": "of a query",
}
_SCHEME_WORD: Final = re.compile(r"(?:Bearer|Basic|Token|Negotiate|ApiKey)\s+", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class Known:
    """What a value is: the placeholder for it, and the turn from which on it stands for it; `names` are those under
    which it was said.
    """

    placeholder: str
    since: int
    value: Any
    names: frozenset[str] = frozenset()

    def is_under(self, name: str | None) -> bool:
        """Whether it stands for that value under that name too: a short text or a number is another's elsewhere."""
        weak = not isinstance(self.value, str) or len(self.value) < _WITHIN
        return not weak or not self.names or not name or name in self.names


@dataclass
class Values:
    """What is known of a recording's values. `captures` are what turns give, by placeholder, at JSON Pointers and the
    like; `settings` are those that had to be invented for a credential, each with its value; `secrets` are values that
    stand in no output.
    """

    known: dict[tuple[type, Any], Known] = field(default_factory=dict)
    captures: dict[int, dict[str, str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    wheres: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    counters: dict[Path, str] = field(default_factory=dict)
    names_users: bool = True
    _taken: set[str] = field(default_factory=set)
    _ids: dict[str, None] = field(default_factory=dict)

    def stands_for(
        self, value: object, placeholder: str, since: int = -1, *, secret: bool = False, names: Sequence[str] = ()
    ) -> None:
        """From that turn on the placeholder stands for the value, where it is under one of these names, if there are
        any.
        """
        if (type(value), value) not in self.known:
            self.known[type(value), value] = Known(placeholder, since, value, frozenset(filter(None, names)))
        if secret and isinstance(value, str) and len(value) >= SHORTEST:
            self.secrets[value] = placeholder

    def read(self, turns: Sequence[Turn]) -> None:
        """Go through all of a recording."""
        self._count(turns)
        heard: dict[tuple[type, object], tuple[int, Said]] = {}
        said: set[tuple[type, object]] = set()
        for number, turn in enumerate(turns):
            for one in said_in(turn):
                self._client_said(number, one, heard, said, turns)
                said.add((type(one.value), one.value))
            for one in heard_in(turn):
                key = (type(one.value), one.value)
                better = key in heard and isinstance(turns[heard[key][0]].event, Exchange)
                if key not in said and (key not in heard or (better and isinstance(turn.event, Received))):
                    heard[key] = (number, one)
                    if isinstance(one.value, str) and len(one.value) >= _WITHIN and _may_be_made(one):
                        self._ids[one.value] = None

    def _client_said(
        self,
        number: int,
        one: Said,
        heard: Mapping[tuple[type, object], tuple[int, Said]],
        said: set[tuple[type, object]],
        turns: Sequence[Turn],
    ) -> None:
        value = one.value
        if isinstance(value, bool | float) or value is None or value == "":
            return
        if self._is_counter(one):
            return
        origin = self._origin(one, heard)
        if origin is not None:
            at, where = origin
            if (type(where.value), where.value) not in self.known:
                name = self._named(where.key or one.key or "value")
                self.captures.setdefault(at, {})[name] = pointer(where.place)
                names = self._names_of(where.value, turns)
                self.stands_for(where.value, f"{{{name}}}", at, secret=is_secret_name(where.key), names=names)
                if str(where.value) != where.value or not isinstance(value, type(where.value)):
                    self.stands_for(value, f"{{{name}}}", at, names=names)
        elif not isinstance(value, str) or {(str, value)} & (self.known.keys() | said) or self._has_secret(value):
            return
        elif self._is_credential(one):
            self._invent(one)
        elif _UUID.fullmatch(value):
            self.stands_for(value, f"{{uuid:{self._named(one.key or 'id')}}}", number - 1)
        elif self.names_users and one.key.lower() in _USER_NAME and one.place[0] in {"frame", "json", "form", "query"}:
            users = [known for known in self.known.values() if known.placeholder.startswith("{user")]
            self.stands_for(value, f"{{user:user{len(users) + 1}}}" if users else "{user}", number - 1)

    @staticmethod
    def _names_of(value: object, turns: Sequence[Turn]) -> tuple[str, ...]:
        """The names under which that value is said that are names of ids; those of others say another thing."""
        both = (one for turn in turns for one in (*said_in(turn), *heard_in(turn)))
        same = {one.key for one in both if str(one.value) == str(value) and not isinstance(one.value, bool)}
        return tuple(name for name in same if _ID_NAME.search(name))

    def _origin(self, one: Said, heard: Mapping[tuple[type, object], tuple[int, Said]]) -> tuple[int, Said] | None:
        """Where the backend has said what the client says there, if it is something that a backend makes."""
        value = one.value
        candidates: list[tuple[type, object]] = [(type(value), value)]
        if isinstance(value, str) and value.isdecimal() and len(value) < 20 and one.place[0] != "frame":
            candidates.append((int, int(value)))
        for key in candidates:
            if key in heard and _is_made(heard[key][1], one):
                return heard[key]
        if not isinstance(value, str):
            return None
        within = [heard[str, held] for held in self._ids if held in value and _is_made(heard[str, held][1], one)]
        return max(within, key=lambda found: len(found[1].value), default=None)

    def _is_credential(self, one: Said) -> bool:
        value = str(one.value)
        if len(value) < SHORTEST or _TIME.fullmatch(value):
            return False
        if one.place[0] == "headers" and one.key.lower() in {"authorization", "proxy-authorization"}:
            return True
        return is_secret_name(one.key) or without_shapes(value) != value

    def _invent(self, one: Said) -> None:
        """A setting for a credential that nobody makes: its value is what was said, and stands in no output."""
        value = str(one.value)
        scheme = _SCHEME_WORD.match(value)
        held = value[scheme.end() :] if scheme and one.place[0] == "headers" else value
        where = f"{_WHERE[str(one.place[0])]} {one.key}".strip()
        self.setting_of(one.key or "credential", held, where)

    def setting_of(self, name: str, value: str, where: str) -> None:
        """A setting of about that name for a value that is a secret."""
        if (str, value) in self.known or len(value) < SHORTEST:
            return
        base = _SETTING_NAME.sub("_", name).strip("_").upper() or "CREDENTIAL"
        base = base if base[0].isalpha() else f"CREDENTIAL_{base}"
        setting, count = base, 1
        while setting in self.settings:
            count += 1
            setting = f"{base}_{count}"
        self.settings[setting] = value
        self.wheres[setting] = where
        self.stands_for(value, f"{{setting:{setting}}}", secret=True)

    def _count(self, turns: Sequence[Turn]) -> None:
        """Numbers that the client counts: 1, 2, … in every frame that has one at that place."""
        told: dict[Path, list[Any]] = {}
        for turn in turns:
            if isinstance(turn.event, Sent) and isinstance(turn.frame, dict):
                for path, value in leaves(turn.frame):
                    told.setdefault(path, []).append(value)
        for path, held in told.items():
            if len(held) > 1 and held == list(range(1, len(held) + 1)) and not isinstance(held[0], bool):
                self.counters[path] = self._named(key_of(path) or "number")

    def _is_counter(self, one: Said) -> bool:
        return one.place[0] == "frame" and one.place[1:] in self.counters

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

    def pieces(self, text: str, turn: int, name: str | None = None) -> Iterator[tuple[str, bool]]:
        """The text in pieces: what stands for itself, and placeholders (True), as they are known before that turn.

        `name` is the one under which the text is said, where there is one.
        """
        whole = self.known.get((str, text))
        if whole is not None and whole.since < turn and whole.is_under(name):
            yield whole.placeholder, True
            return
        within = [
            one
            for (kind, value), one in self.known.items()
            if kind is str and one.since < turn and value in text and (len(value) >= _WITHIN or value in self.secrets)
        ]
        if not within:
            yield text, False
            return
        longest = max(within, key=lambda one: len(one.value))
        before, _, after = text.partition(longest.value)
        if before:
            yield from self.pieces(before, turn, name)
        yield longest.placeholder, True
        if after:
            yield from self.pieces(after, turn, name)

    def said(self, value: Any, turn: int, name: str | None = None) -> Any:
        """The value in words of placeholders, as the client says it in that turn, or the backend in that one."""
        if isinstance(value, str):
            return "".join(piece for piece, _ in self.pieces(value, turn, name))
        if isinstance(value, dict):
            return {key: self.said(under, turn, key) for key, under in value.items()}
        if isinstance(value, list):
            return [self.said(under, turn, name) for under in value]
        known = None if value is None or isinstance(value, bool) else self.known.get((type(value), value))
        return known.placeholder if known is not None and known.since < turn and known.is_under(name) else value

    def said_path(self, path: str, turn: int) -> str:
        """A path in words of placeholders, part by part."""
        parts = []
        for part in path.split("/"):
            said = self.said(unquote(part), turn)
            parts.append(part if said == unquote(part) else said)
        return "/".join(parts)

    def is_secret(self, text: str) -> bool:
        """Whether a text has something in it that must be written nowhere."""
        return self._has_secret(text) or without_shapes(text) != text

    def _has_secret(self, text: str) -> bool:
        return any(value in text for value in self.secrets)


def is_braced(text: str) -> bool:
    """Whether braces stand in it, which a scenario would take for a placeholder."""
    return _BRACED.search(text) is not None


def pointer(place: Path) -> str:
    """Where a step captures from: a JSON Pointer, `header:Location`, `cookie:session`."""
    first = place[0] if place else ""
    if isinstance(first, str) and first.startswith(("header:", "cookie:")):
        return first
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def _may_be_made(heard: Said) -> bool:
    """Whether a text of the backend's looks like something that it made, whoever says it again."""
    given = bool(heard.place) and str(heard.place[0]).startswith(("cookie:", "header:"))
    return given or bool(_ID_NAME.search(heard.key) or _UUID.fullmatch(heard.value) or _ID_VALUE.fullmatch(heard.value))


def _is_made(heard: Said, said: Said) -> bool:
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
