"""Types say what a value is: `Any` stands where a library or JSON leaves it open, and hardly anywhere else."""

from __future__ import annotations

import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import envparity

MOST_OF_1000_LINES: Final = 3
ROOM: Final = Path(envparity.__file__).parent


def uses_of_any(file: Path) -> Iterator[int]:
    """The lines where it stands in code: as a name, imports included, or as the text of a type."""
    with file.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.string in {"Any", '"Any"', "'Any'"} and token.type in {tokenize.NAME, tokenize.STRING}:
                yield token.start[0]


def share(room: Path) -> float:
    files = sorted(room.rglob("*.py"))
    lines = sum(file.read_text(encoding="utf-8").count("\n") for file in files)
    return 1000 * sum(len(list(uses_of_any(file))) for file in files) / lines


def test_any_is_rare() -> None:
    assert share(ROOM) < MOST_OF_1000_LINES


def test_an_observation_has_none() -> None:
    """What one boot showed is typed, whatever JSON a backend sent."""
    assert not [(file.name, line) for file in sorted((ROOM / "observe").rglob("*.py")) for line in uses_of_any(file)]


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("from typing import Any\n", 1),
        ("def f(*given: Any) -> dict[str, Any]: ...\n", 2),
        ('held = cast("Any", given)\n', 1),
        ('"""Any value."""\n# Any\nAnything = anyone\n', 0),
    ],
    ids=["import", "annotations", "cast", "prose"],
)
def test_what_counts(text: str, uses: int, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(text)
    assert share(tmp_path) == 1000 * uses / text.count("\n")
