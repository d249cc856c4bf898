"""What the values of a recording are: made by the backend and used again, made by the client, given by a setting.

A value that the client says after the backend has said it becomes a capture; an id, a name or a number that the client
makes becomes a placeholder; a credential becomes a setting, and its value is written nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from envparity.recording.speech import Path
from envparity.support.redaction import without_shapes
from envparity.support.redaction.names import SHORTEST

__all__ = ["WITHIN", "KnownValue", "Values", "is_braced", "pointer"]

_BRACED: Final = re.compile(r"\{[^{}\"]*\}")
WITHIN: Final = 8
"""From how many characters on a value is looked for within longer texts."""
_SETTING_NAME: Final = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, repr=False)
class KnownValue:
    """What a value is: the placeholder for it, and the turn from which on it stands for it; `names` are those under
    which it was said.
    """

    placeholder: str
    since: int
    value: Any
    names: frozenset[str] = frozenset()

    def is_under(self, name: str | None) -> bool:
        """Whether it stands for that value under that name too: a short text or a number is another's elsewhere."""
        weak = not isinstance(self.value, str) or len(self.value) < WITHIN
        return not weak or not self.names or not name or name in self.names


@dataclass
class Values:
    """What is known of a recording's values. `captures` are what turns give, by placeholder, at JSON Pointers and the
    like; `settings` are those that had to be invented for a credential, each with its value; `secrets` are values that
    stand in no output.
    """

    known: dict[tuple[type, Any], KnownValue] = field(default_factory=dict)
    captures: dict[int, dict[str, str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    wheres: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    counters: dict[Path, str] = field(default_factory=dict)
    names_users: bool = True

    def stands_for(
        self, value: object, placeholder: str, since: int = -1, *, secret: bool = False, names: Sequence[str] = ()
    ) -> None:
        """From that turn on the placeholder stands for the value, where it is under one of these names, if there are
        any.
        """
        if (type(value), value) not in self.known:
            self.known[type(value), value] = KnownValue(placeholder, since, value, frozenset(filter(None, names)))
        if secret and isinstance(value, str) and len(value) >= SHORTEST:
            self.secrets[value] = placeholder

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

    def pieces(self, text: str, turn: int, name: str | None = None) -> Iterator[tuple[str, bool]]:
        """The text in pieces: what stands for itself, and placeholders (True), as they are known before that turn.

        `name` is the one under which the text is said, where there is one.
        """
        whole = self.known.get((str, text))
        if whole is not None and whole.since < turn and whole.is_under(name):
            yield whole.placeholder, True
            return
        within = [
            each_value
            for (kind, value), each_value in self.known.items()
            if kind is str
            and each_value.since < turn
            and value in text
            and (len(value) >= WITHIN or value in self.secrets)
        ]
        if not within:
            yield text, False
            return
        longest = max(within, key=lambda item: len(item.value))
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
        return self.has_secret(text) or without_shapes(text) != text

    def has_secret(self, text: str) -> bool:
        """Whether a known secret stands in it."""
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
