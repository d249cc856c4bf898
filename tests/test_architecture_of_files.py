"""Files are small: what has grown beside its subject is a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import envparity

MOST_LINES: Final = 300
ROOM: Final = Path(envparity.__file__).parent


def larger_files(room: Path) -> Iterator[str]:
    for file in sorted(room.rglob("*.py")):
        if file.read_text(encoding="utf-8").count("\n") > MOST_LINES:
            yield file.relative_to(room).as_posix()


def test_no_file_has_more_lines() -> None:
    assert list(larger_files(ROOM)) == []


def test_one_line_more_is_found(tmp_path: Path) -> None:
    for lines in (MOST_LINES, MOST_LINES + 1):
        (tmp_path / f"of_{lines}.py").write_text("\n" * lines)
    assert list(larger_files(tmp_path)) == [f"of_{MOST_LINES + 1}.py"]
