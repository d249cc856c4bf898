"""Tests stand as what they test: who looks for the tests of a file finds them at its own path."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.repository import REPOSITORY

SOURCES: Final = REPOSITORY / "envparity"
TESTS: Final = REPOSITORY / "tests" / "envparity"


def stands(sources: Path, place: Path) -> bool:
    """Whether there is a room or a file of that name."""
    return (sources / place).is_dir() or (sources / place).with_suffix(".py").exists()


def imported(test: Path) -> Iterator[str]:
    """What may be modules of the product of that which it imports, by their names below it."""
    for node in ast.walk(ast.parse(test.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "envparity":
            yield from (f"{node.module}.{alias.name}".partition(".")[2] for alias in node.names)
            yield (node.module or "").partition(".")[2]


def misplaced(sources: Path, tests: Path) -> Iterator[str]:
    """Tests in a folder of no room and no file, and tests of the name of a file that they import from elsewhere."""
    for test in sorted(tests.rglob("test_*.py")):
        place = test.relative_to(tests)
        if not stands(sources, place.parent):
            yield f"{place.as_posix()}: no {place.parent.as_posix()}"
        name = test.stem.removeprefix("test_").removesuffix("_docker")
        if name == place.parent.name or stands(sources, place.parent / name):
            continue
        found = {Path(*module.split(".")) for module in imported(test)}
        for path in sorted(path for path in found if path.name == name and stands(sources, path)):
            yield f"{place.as_posix()}: {path.as_posix()}"


def test_every_test_stands_as_what_it_tests() -> None:
    """In the folder of a room, or of a file; of several files of one name, one of its own folder."""
    assert list(misplaced(SOURCES, TESTS)) == []


def test_beside_all_rooms_stand_tests_of_no_room() -> None:
    assert not [
        f"{test.name}: {module}"
        for test in TESTS.glob("test_*.py")
        for module in imported(test)
        if stands(SOURCES, Path(*module.split(".")[:1]))
    ]


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("judge/test_names.py", []),
        ("judge/test_what_is_told.py", []),
        ("judge/names/test_long_ones.py", []),
        ("judging/test_names.py", ["judging/test_names.py: no judging", "judging/test_names.py: judge/names"]),
        ("report/test_names_docker.py", ["report/test_names_docker.py: judge/names"]),
    ],
    ids=["a file's", "a topic", "several of a file", "no room", "another room's"],
)
def test_what_stands_elsewhere_is_found(place: str, found: list[str], tmp_path: Path) -> None:
    for room in ("judge", "report"):
        (tmp_path / "sources" / room).mkdir(parents=True)
    (tmp_path / "sources" / "judge" / "names.py").touch()
    test = tmp_path / "tests" / place
    test.parent.mkdir(parents=True)
    test.write_text("from envparity.judge.names import shown\n")
    assert list(misplaced(tmp_path / "sources", tmp_path / "tests")) == found
