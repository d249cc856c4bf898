"""The last exception that a log tells of: where it was raised, and what it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

__all__ = ["last_raised"]

_BEGINS = "Traceback (most recent call last):"


def last_raised(log: Sequence[str]) -> tuple[str, ...]:
    """The innermost `File …, line …` of the last traceback and the exception below it; empty where there is none.

    `log` is lines, in which a traceback stands as Python prints it, or in a text of a JSON object, as structlog and
    python-json-logger write it.
    """
    rows = [row for text in log for row in _rows(text)]
    starts = [at for at, row in enumerate(rows) if row.strip() == _BEGINS]
    if not starts:
        return ()
    indent = len(rows[starts[-1]]) - len(rows[starts[-1]].lstrip())
    place = ""
    for row in rows[starts[-1] + 1 :]:
        if len(row) - len(row.lstrip()) <= indent:
            return tuple(filter(None, (place, row.strip())))
        if row.lstrip().startswith('File "'):
            place = row.strip()
    return (place,) if place else ()


def _rows(text: str) -> Iterator[str]:
    """The lines of a log's line: itself, or of the traceback that it holds as JSON."""
    if text.startswith("{") and _BEGINS in text:
        try:
            held = json.loads(text)
        except ValueError:
            held = None
        if isinstance(held, dict):
            for value in held.values():
                if isinstance(value, str) and _BEGINS in value:
                    yield from value.splitlines()
            return
    yield text
