"""A text of a backend as the pattern that a step expects."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from envparity.recording.values import Values

__all__ = ["text_pattern"]

_ID_LIKE: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}[\d:.,]*(?:Z|[+-]\d{2}:?\d{2})?|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4,12}){4}"
    r"|\b(?=\w*\d)(?=\w*[A-Za-z])\w{8,}\b"
)


def text_pattern(values: Values, text: str, number: int, captures: Collection[str]) -> str:
    """All of a text, in which what is captured is a group, and what is made anew each time may be anything."""
    given = {known.value: known.placeholder[1:-1] for known in values.known.values() if known.since == number}
    captured = {value: name for value, name in given.items() if name in captures and isinstance(value, str)}
    pieces: list[str] = []
    parts = re.split("|".join(map(re.escape, captured)), text) if captured else [text]
    names = [captured[found] for found in re.findall("|".join(map(re.escape, captured)), text)] if captured else []
    for place, part in enumerate(parts):
        pieces += _pieces(values, part, number) if part else ()
        if place < len(names):
            seen = any(f"(?P<{names[place]}>" in piece for piece in pieces)
            pieces.append(f"(?P={names[place]})" if seen else f"(?P<{names[place]}>.+?)")
    return f"^{''.join(pieces)}$"


def _pieces(values: Values, text: str, number: int) -> Iterator[str]:
    for piece, is_known in values.pieces(text, number):
        last = 0
        for found in () if is_known else _ID_LIKE.finditer(piece):
            yield _literal(piece[last : found.start()])
            yield ".+?"
            last = found.end()
        yield piece if is_known else _literal(piece[last:])


def _literal(text: str) -> str:
    """The text as a pattern; braces in it begin no placeholder."""
    return re.escape(text).replace(r"\ ", " ")
