"""A value that a project's own files propose, and where they do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

__all__ = ["Proposal", "at_line", "slug"]

T = TypeVar("T")


@dataclass(frozen=True)
class Proposal(Generic[T]):
    """A value, and the file and line that it was found in, relative to the project's folder: `Procfile:1`."""

    value: T
    found_in: str


def at_line(path: Path, folder: Path, text: str = "", position: int = 0) -> str:
    """How a place in a file is told: its path below the folder, and the line of that position in its text."""
    shown = path.relative_to(folder).as_posix()
    return f"{shown}:{text.count(chr(10), 0, position) + 1}" if text else shown


def slug(name: str, default: str) -> str:
    """The name as envparity's files have names: lower-case letters, digits and hyphens, beginning with a letter."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    parts = [part for part in kept.split("-") if part]
    named = "-".join(parts)[:40].strip("-")
    return named if named[:1].isalpha() else f"{default}-{named}" if named else default
