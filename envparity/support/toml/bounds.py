"""How long and how deep a TOML file may be, found before anything reads it that time or memory would end."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from envparity.support.toml.lines import KeyPath

__all__ = ["DEEPEST", "LONGEST", "bounded_content", "bounded_text", "line_of_a_deep_key", "named_text", "too_deep_at"]

LONGEST: Final = 4 * 1024 * 1024
"""Bytes that a file of a project may have."""
DEEPEST: Final = 100
"""How deep its values may be nested."""

_KEY = r"(?:[A-Za-z0-9_-]++|\"(?:\\.|[^\"\\\n])*+\"|'[^'\n]*+')"
_KEYS_AND_STRINGS = re.compile(
    rf"(?P<deep>(?<![A-Za-z0-9_.-]){_KEY}(?:[ \t]*\.[ \t]*{_KEY}){{{DEEPEST}}})"
    r"|\"\"\"(?:\\.|[^\\])*?\"\"\""
    r"|'''.*?'''"
    r"|\"(?:\\.|[^\"\\\n])*+\""
    r"|'[^'\n]*+'|#[^\n]*+",
    re.DOTALL,
)


def bounded_content(path: Path) -> bytes | None:
    """What a file holds; None for one that is longer than `LONGEST`, and for a device or a pipe. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            return None
        with os.fdopen(os.dup(descriptor), "rb") as file:
            content = file.read(LONGEST + 1)
    finally:
        os.close(descriptor)
    return content if len(content) <= LONGEST else None


def bounded_text(path: Path) -> str:
    """What a file says that nobody has named: "" where it cannot be read, is none, or is longer than `LONGEST`."""
    try:
        return (bounded_content(path) or b"").decode("utf-8", "replace")
    except OSError:
        return ""


def named_text(path: Path) -> str | None:
    """The text of a file that another one names; None where it cannot be read, is none, is too long, or is no UTF-8."""
    try:
        content = bounded_content(path)
        return None if content is None else content.decode("utf-8")
    except (OSError, ValueError):
        return None


def line_of_a_deep_key(text: str) -> int:
    """The 1-based line of the first key of more than `DEEPEST` parts, else 0: parsing takes time by their square."""
    deep = next((match for match in _KEYS_AND_STRINGS.finditer(text) if match["deep"]), None)
    return 0 if deep is None else text.count("\n", 0, deep.start()) + 1


def too_deep_at(data: Mapping[str, object]) -> KeyPath | None:
    """Where a value is nested deeper than `DEEPEST`; found without going as deep as it goes."""
    waiting: list[tuple[KeyPath, Mapping[str, object] | list[object]]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > DEEPEST:
            return path
        under = value.items() if isinstance(value, Mapping) else enumerate(value)
        waiting += [((*path, key), part) for key, part in under if isinstance(part, dict | list)]
    return None
