"""What the repository consists of, for tests that hold all of it to something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[1]
MADE: Final = {"build", "dist", "htmlcov", "__pycache__"}
"""Folders that are made of the others."""


def python_files(root: Path = REPOSITORY) -> Iterator[Path]:
    """Every Python file below that folder that is somebody's work, hidden folders left out."""
    yield from sorted(root.glob("*.py"))
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in MADE:
            yield from sorted(folder.rglob("*.py"))
