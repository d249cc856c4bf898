"""One word, one thing: who reads the name of a class knows which it is."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

import envparity

ROOM = Path(envparity.__file__).parent
DOORS = {"auth", "dependencies", "frames", "sources"}
"""Rooms of kinds of things: a file for each."""


def files_of_names(room: Path) -> dict[str, list[str]]:
    """The files that make a class of each name, for others to use.

    What comes in by a door is found by the name of its file, `dependencies/nats.py` and `frames/nats.py`: its class has
    that name, and counts for none.
    """
    files = defaultdict(list)
    for file in sorted(room.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            if file.parent.name not in DOORS or node.name.lower() != file.stem.replace("_", ""):
                files[node.name].append(file.relative_to(room).as_posix())
    return files


def test_no_two_files_make_a_class_of_the_same_name() -> None:
    assert {name: found for name, found in files_of_names(ROOM).items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("name", "files", "found"),
    [
        ("Answer", ["judge/rules", "probe/network"], ["judge/rules.py", "probe/network.py"]),
        ("_Answer", ["judge/rules", "probe/network"], []),
        ("Rules", ["judge/rules", "report/rules"], ["judge/rules.py", "report/rules.py"]),
        ("RabbitMq", ["dependencies/rabbit_mq", "frames/rabbit_mq"], []),
        ("RabbitMq", ["dependencies/rabbit_mq", "frames/text"], ["frames/text.py"]),
    ],
    ids=["two", "two of their files", "of a file alone", "of doors", "a door's and another"],
)
def test_what_counts(name: str, files: list[str], found: list[str], tmp_path: Path) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).with_suffix(".py").write_text(f"class {name}: ...\n")
    assert files_of_names(tmp_path).get(name, []) == found
