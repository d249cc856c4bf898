"""The guard sees every object of a watched type that is made, and who made it, in any process it is carried into."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from envparity.audit import guard
from tests.envparity.audit.conftest import Write

PROGRAM = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("guard", sys.argv[1])
guard = importlib.util.module_from_spec(spec)
spec.loader.exec_module(guard)
sys.path.insert(0, sys.argv[2])
import app.early
told = []
report = guard.install(json.loads(sys.argv[3]), told.append)
import app.main
app.main.start()
assert report() == told
print(json.dumps(report()))
"""
SOURCES = {
    "app/early.py": "class Early:\n    pass\n",
    "app/kinds.py": """
        from dataclasses import dataclass

        @dataclass(frozen=True)
        class Context:
            user: str

        class Manager:
            pass

        class Special(Manager):
            def __init__(self) -> None:
                super().__init__()

        class Other:
            pass

        class Pair(tuple):
            pass

        first = Manager()
        """,
    "app/main.py": """
        from app.early import Early
        from app.kinds import Context, Manager, Other, Pair, Special

        def start() -> None:
            Context("alice")
            Special()
            Other()
            Early()
            Pair((1, 2))
            try:
                Manager("too much")
            except TypeError:
                pass
        """,
}


def made(write: Write, names: list[str]) -> list[dict[str, Any]]:
    """What a process that installs the guard and boots these sources is told."""
    root = write(SOURCES)
    file = Path(guard.__file__)
    command = [sys.executable, "-B", "-c", PROGRAM, str(file), str(root), json.dumps(names)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def test_every_object_is_told_with_its_maker(write: Write) -> None:
    """Bare and dotted names, a dataclass, a subclass once, a class imported before, one without an `__init__`."""
    found = made(write, ["Manager", "Special", "app.kinds.Context", "Early", "Pair", "elsewhere.Other"])
    assert [(made["type"], made["module"], made["line"]) for made in found] == [
        ("app.kinds.Manager", "app.kinds", 21),
        ("app.kinds.Context", "app.main", 6),
        ("app.kinds.Special", "app.main", 7),
        ("app.early.Early", "app.main", 9),
        ("app.kinds.Pair", "app.main", 10),
        ("app.kinds.Manager", "app.main", 12),
    ]
    assert [made["function"] for made in found][:2] == ["<module>", "start"]
    assert found[0]["chain"][0]["module"] == "app.main"
    assert all(earlier["monotonic"] <= later["monotonic"] for earlier, later in pairwise(found))


def test_what_is_not_watched_is_not_told(write: Write) -> None:
    """Nothing but the types that were named."""
    assert [made["type"] for made in made(write, ["app.kinds.Other"])] == ["app.kinds.Other"]


def test_a_watched_class_stays_what_it_was() -> None:
    """Its signature, and that a class without an `__init__` takes no arguments."""
    import inspect

    watch = guard.Watch(["Kind"])

    @watch.watched
    class Kind:
        def __init__(self, first: int, *, two: str = "") -> None:
            """Say it."""

    @watch.watched
    class Bare:
        pass

    assert str(inspect.signature(Kind)) == "(first: 'int', *, two: 'str' = '') -> 'None'"
    with pytest.raises(TypeError, match="takes no arguments"):
        Bare(1)  # type: ignore[call-arg]  # what is asked
    Kind(1)
    assert [str(made["type"]).rpartition(".")[2] for made in watch.made] == ["Bare", "Kind"]


def test_it_needs_nothing_but_the_standard_library() -> None:
    """It can be carried into any interpreter as one file, from Python 3.9 on."""
    tree = ast.parse(Path(guard.__file__).read_text(encoding="utf-8"), feature_version=(3, 9))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
        assert all(name.partition(".")[0] in sys.stdlib_module_names for name in names), names
