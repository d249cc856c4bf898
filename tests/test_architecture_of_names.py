"""What is given a name is given its own: a number says how many there are, and not what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.repository import REPOSITORY, python_files

NAMELESS: Final = "one"


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What is bound somewhere: variables, parameters, fields, functions and classes, each with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.MatchAs(name=str(name)):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name


def test_nothing_is_called_by_a_number() -> None:
    found = [
        f"{file.relative_to(REPOSITORY).as_posix()}:{line}"
        for file in python_files()
        for line, name in named(ast.parse(file.read_text(encoding="utf-8")))
        if name == NAMELESS
    ]
    assert found == []


def test_all_of_the_repository_is_looked_at() -> None:
    """Product, backend, tests, suite, benchmarks, and the examples that people copy."""
    seen = {file.relative_to(REPOSITORY).as_posix().partition("/")[0] for file in python_files()}
    assert seen >= {"envparity", "netra_backend", "tests", "parity_tests", "benchmarks", "docs", "conftest.py"}


def test_what_is_called_so_is_found_wherever_it_stands() -> None:
    for text in (
        "one = 1",
        "[x for one in y]",
        "lambda one: 0",
        "def one(): ...",
        "class A:\n    one: int",
        "import a as one",
    ):
        assert NAMELESS in {name for _, name in named(ast.parse(text))}
