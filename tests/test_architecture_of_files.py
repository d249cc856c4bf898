"""Files are small: what has grown beside its subject is a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.repository import REPOSITORY, python_files

MOST_LINES: Final = 300


def larger_files(room: Path) -> Iterator[str]:
    for file in python_files(room):
        if file.read_text(encoding="utf-8").count("\n") > MOST_LINES:
            yield file.relative_to(room).as_posix()


def test_no_file_has_more_lines() -> None:
    """Neither of the product nor of its tests, and nothing else that is Python here."""
    assert list(larger_files(REPOSITORY)) == []


def test_one_line_more_is_found(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    for lines in (MOST_LINES, MOST_LINES + 1):
        (tmp_path / "room" / f"of_{lines}.py").write_text("\n" * lines)
    assert list(larger_files(tmp_path)) == [f"room/of_{MOST_LINES + 1}.py"]
