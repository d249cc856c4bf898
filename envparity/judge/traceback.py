"""The exceptions that a log tells of: where each was raised, and what it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeGuard

from envparity.frames.decoding import decoded_json

__all__ = ["all_raised", "last_raised", "without_frames"]

_INSTALLED = re.compile(r"/(?:site|dist)-packages/|/lib/python3\.\d+/|<frozen ")
_BEGINS = "Traceback (most recent call last):"


def last_raised(log: Sequence[str]) -> tuple[str, ...]:
    """The innermost `File …, line …` of the last traceback and the exception below it; empty where there is none.

    Of frames in installed packages, and in those of Python itself, one counts only where there is no other: what the
    backend asked of a library is where its code is looked for.

    `log` is lines, in which a traceback stands as Python prints it, or in a text of a JSON object, as structlog and
    python-json-logger write it.
    """
    return (all_raised(log) or ((),))[-1]


def all_raised(log: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The same of every traceback of the log, but for those of which the log holds no more than the beginning."""
    rows = [row for text in log for row in _rows(text)]
    starts = [at for at, row in enumerate(rows) if row.strip() == _BEGINS]
    return tuple(filter(None, (_raised(rows, start) for start in starts)))


def _raised(rows: Sequence[str], start: int) -> tuple[str, ...]:
    """What the traceback says that begins in that row."""
    indent = _indent(rows[start])
    own = installed = ""
    for row in rows[start + 1 :]:
        if _indent(row) <= indent:
            return tuple(filter(None, (own or installed, row.strip())))
        if row.lstrip().startswith('File "'):
            if _INSTALLED.search(row):
                installed = row.strip()
            else:
                own = row.strip()
    return (own or installed,) if own or installed else ()


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip())


def without_frames(log: Iterable[str]) -> Iterator[str]:
    """The lines of a log, of each traceback no more than where it was raised and what.

    A line that is a JSON object with a traceback is that object without it, and what was raised below.
    """
    lines = list(log)
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if (held := _held(line)) is not None:
            rest = {key: value for key, value in held.items() if not _has_traceback(value)}
            yield from (json.dumps(rest, ensure_ascii=False), *last_raised([line]))
        elif line.strip() == _BEGINS:
            yield from _raised(lines, at - 1) or (line,)
            while at < len(lines) and _indent(lines[at]) > _indent(line):
                at += 1
            at += 1  # what was raised
        else:
            yield line


def _rows(text: str) -> Iterator[str]:
    """The lines of a log's line: itself, or of the traceback that it holds as JSON."""
    held = _held(text)
    if held is None:
        yield text
    else:
        yield from (row for value in held.values() if _has_traceback(value) for row in value.splitlines())


def _held(text: str) -> dict[str, object] | None:
    """The JSON object that a line is, where a traceback stands in it."""
    if not (text.startswith("{") and _BEGINS in text):
        return None
    try:
        held = decoded_json(text)
    except ValueError:
        return None
    return held if isinstance(held, dict) and any(map(_has_traceback, held.values())) else None


def _has_traceback(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _BEGINS in value
