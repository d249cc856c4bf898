"""Reading the pages of the documentation: their tables by heading, their code blocks by language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["TREE", "Block", "blocks", "page", "prose", "table", "tables"]

TREE = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """A fenced block of code: where it stands, its language, its text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def page(name: str) -> str:
    return (TREE / name).read_text(encoding="utf-8")


def blocks(name: str, language: str | None = None) -> list[Block]:
    """The code blocks of a page, those of one language or all."""
    text = page(name)
    found = [Block(name, text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in _FENCE.finditer(text)]
    return [block for block in found if language in {None, block.language}]


def prose(name: str) -> str:
    """A page without its code blocks."""
    return _FENCE.sub("", page(name))


def tables(name: str) -> dict[str, list[list[str]]]:
    """The rows of the tables of a page, without head and rule, by the heading above them."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in prose(name).splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").replace("`", "")
        elif line.startswith("|"):
            cells = [cell.strip().replace("\\|", "|") for cell in _CELL.split(line)[1:-1]]
            found.setdefault(heading, []).append(cells)
    return {under: rows[2:] for under, rows in found.items()}


def table(name: str, heading: str) -> dict[str, list[str]]:
    """One table: the other cells of each row by its first one, without back quotes."""
    return {row[0].strip("`"): row[1:] for row in tables(name)[heading]}
