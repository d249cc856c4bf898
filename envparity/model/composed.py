"""Settings that are composed of others: a text with placeholders, and what may stand in one.

`{postgres.host}` is what a launcher knows (as `{ from = "postgres.host" }` is), `{setting:NAME}` another setting of the
same environment. `|urlencode` behind either writes it as it stands in a URL. `{{` and `}}` are braces. A text without
anything that looks like a placeholder is no composed one: braces in JSON stand for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

__all__ = ["Composed", "Placeholder", "Stray", "circle", "is_composed", "pieces", "unescaped"]

_LOOKS_LIKE_ONE = re.compile(r"\{\s*[A-Za-z_][^{}\"'\s]*\s*\}")
_PIECE = re.compile(r"\{\{|\}\}|\{(?P<inside>[^{}]*)\}|[{}]|[^{}]+")
_INSIDE = re.compile(
    r"(?:setting:(?P<setting>[A-Za-z_][A-Za-z0-9_]*)|(?P<source>[a-z][a-z0-9-]*\.[a-z_]+))(?P<encoded>\|urlencode)?"
)


@dataclass(frozen=True)
class Placeholder:
    """One placeholder: either the `source` that a launcher knows or the name of another `setting`; "" for the other."""

    source: str = ""
    setting: str = ""
    encoded: bool = False

    def __str__(self) -> str:
        name = self.source or f"setting:{self.setting}"
        return f"{{{name}{'|urlencode' if self.encoded else ''}}}"


@dataclass(frozen=True)
class Stray:
    """A brace, or something in braces, that is no placeholder."""

    text: str


class Composed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A setting whose value is made of that text, as it stands in the file, when everything in it is known."""

    template: str

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """The placeholders in the text, from left to right."""
        return tuple(piece for piece in pieces(self.template) if isinstance(piece, Placeholder))

    @property
    def sources(self) -> tuple[str, ...]:
        """What of it a launcher knows: `postgres.host`."""
        return tuple(found.source for found in self.placeholders if found.source)

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of the settings that it is made of."""
        return tuple(found.setting for found in self.placeholders if found.setting)

    @property
    def around(self) -> str:
        """The text without what is filled in."""
        return "".join(piece for piece in pieces(self.template) if isinstance(piece, str))

    @property
    def outline(self) -> str:
        """The placeholders, with the text around them left out: for a text that is a secret itself."""
        return "…".join(str(found) for found in self.placeholders)

    def filled(self, sources: Mapping[str, str], setting: Callable[[str], str]) -> str:
        """The value, with what the launcher knows and the values of other settings. Raises `KeyError` for a source."""
        made = []
        for piece in pieces(self.template):
            if isinstance(piece, Placeholder):
                value = sources[piece.source] if piece.source else setting(piece.setting)
                made.append(quote(value, safe="") if piece.encoded else value)
            elif isinstance(piece, str):
                made.append(piece)
        return "".join(made)


def is_composed(text: str) -> bool:
    """Whether there is something in the text that looks like a placeholder, one that nobody fills too."""
    return _LOOKS_LIKE_ONE.search(text) is not None


def pieces(template: str) -> Iterator[str | Placeholder | Stray]:
    """The text taken apart: what stands for itself, placeholders, and what is neither."""
    for found in _PIECE.finditer(template):
        text, inside = found[0], found["inside"]
        if text in ("{{", "}}"):
            yield text[0]
        elif inside is not None:
            known = _INSIDE.fullmatch(inside)
            yield (
                Placeholder(known["source"] or "", known["setting"] or "", known["encoded"] is not None)
                if known
                else Stray(text)
            )
        else:
            yield Stray(text) if text in ("{", "}") else text


def unescaped(text: str) -> str:
    """A text in which nothing is filled, with its doubled braces as one; one that looks like no template as it is."""
    return Composed(text).around if is_composed(text) else text


def circle(name: str, composed: Mapping[str, Composed]) -> tuple[str, ...]:
    """The settings by which that one is made of itself, from it to it; none where it is not."""

    def back(at: str, way: tuple[str, ...]) -> tuple[str, ...]:
        for needed in composed[at].settings if at in composed else ():
            if needed == name:
                return (*way, needed)
            if needed not in way and (found := back(needed, (*way, needed))):
                return found
        return ()

    return back(name, (name,))
