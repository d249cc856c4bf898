"""Names without what in them may be somebody's."""

from __future__ import annotations

import re

__all__ = ["dotted_shape_of", "shape_of"]

_SEPARATOR = re.compile(r"([:/|{},\s]+)")
_LONGEST = 24


def shape_of(name: str) -> str:
    """The name with a star for every part that may be somebody's: what has a digit in it, or is long, or is no word.

    Nothing of what stood there is told: it may be a token.
    """
    return "".join(
        part if index % 2 or _is_word(part) else "*" for index, part in enumerate(_SEPARATOR.split(name)) if part
    )


def dotted_shape_of(name: str) -> str:
    """The same of a subject or a routing key, whose parts stand between dots."""
    return ".".join(map(shape_of, name.split(".")))


def _is_word(part: str) -> bool:
    return len(part) <= _LONGEST and re.fullmatch(r"[A-Za-z_.!-]+", part) is not None
