"""Kinds of dependencies, schemes and codecs stand in rooms of their own: who uses one asks the door, and names none."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import envparity

ROOT = Path(envparity.__file__).parent
NAMES = ("postgres", "redis", "valkey", "nats", "memcached", "mariadb", "rabbitmq")
# There it is a protocol of AsyncAPI's bindings.
OF_ANOTHER_MEANING = {"conversation/contract/choosing.py"}


def names_a_kind(path: Path) -> bool:
    """Whether its code does: an identifier, a module, or a text that is nothing but the name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = [node.value.lower()] if node.value.isidentifier() else []
        else:
            words = [str(getattr(node, name, "") or "").lower() for name in ("id", "attr", "name", "module")]
        if any(name in word for word in words for name in NAMES):
            return True
    return False


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_kind_of_dependency_is_named_outside_of_its_room(path: Path) -> None:
    """But in the table of what is built in."""
    place = path.relative_to(ROOT).as_posix()
    if place == "doors/registry.py" or place.startswith(("dependencies/", "frames/", "audit/")):
        return
    assert names_a_kind(path) == (place in OF_ANOTHER_MEANING)
