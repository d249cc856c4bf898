"""Classes are small: what has grown beside its purpose is a part that it is composed of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import envparity

MOST_LINES: Final = 149
ROOM: Final = Path(envparity.__file__).parent


def larger_classes(room: Path) -> Iterator[str]:
    for file in sorted(room.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno >= MOST_LINES:
                yield f"{file.relative_to(room).as_posix()} {node.name}"


def test_no_class_has_more_lines() -> None:
    assert list(larger_classes(ROOM)) == []


def test_one_line_more_is_found(tmp_path: Path) -> None:
    for lines in (MOST_LINES, MOST_LINES + 1):
        fields = "".join(f"    field_{number} = {number}\n" for number in range(lines - 1))
        (tmp_path / f"of_{lines}.py").write_text(f"class Grown:\n{fields}")
    assert list(larger_classes(tmp_path)) == [f"of_{MOST_LINES + 1}.py Grown"]
