"""Values that come from nowhere else by accident, and the text of a frame in which they are looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envparity.observe.frame import Frame, plain

__all__ = ["ids_in", "is_made", "is_unique", "text_of"]

_SHORTEST = 12  # characters of a value that can stand inside of a text and be nobody else's by accident
_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}")
_MADE = frozenset({"user", "uuid"})


def is_made(value: str, name: str) -> bool:
    """Whether it was made for one play, by the placeholder that stands for it: `<user:anna>`, `<uuid:m1>`."""
    return len(value) >= _SHORTEST and name.strip("<>").partition(":")[0] in _MADE


def is_unique(value: str, name: str) -> bool:
    """Whether it cannot come from elsewhere: it was made for one play, or is an id."""
    return is_made(value, name) or (len(value) >= _SHORTEST and _ID.fullmatch(value) is not None)


def ids_in(text: str) -> frozenset[str]:
    """What in a text has the form of an id: UUIDs, and sixteen or more hexadecimal digits in a row."""
    return frozenset(_ID.findall(text))


def text_of(frame: Frame) -> str:
    """All names and values of a frame, a line each."""
    return "\n".join(_leaves(plain(frame)))


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value
        yield from (leaf for under in value.values() for leaf in _leaves(under))
    elif isinstance(value, list):
        yield from (leaf for under in value for leaf in _leaves(under))
    else:
        yield str(value)
