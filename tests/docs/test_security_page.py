"""Every promise of SECURITY.md names the tests that keep it, and they exist."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import TREE, tables

PAGE = "SECURITY.md"
PROMISES = [
    (heading, row[0], row[1])
    for heading, rows in tables(PAGE).items()
    if heading != "Who is thought of"
    for row in rows
]
_TEST = re.compile(r"`([\w/.-]+\.py)::(\w+)`")


@pytest.mark.parametrize(("heading", "promise", "kept_by"), PROMISES, ids=[row[1][:60] for row in PROMISES])
def test_a_promise_is_kept_by_tests_that_exist(heading: str, promise: str, kept_by: str) -> None:
    """By their files and names, and by nothing but such."""
    named = _TEST.findall(kept_by)
    assert named, f"{heading}: {promise}"
    assert _TEST.sub("", kept_by).strip(", ") == ""
    for file, test in named:
        assert test in _tests_of(file)


def test_there_are_promises() -> None:
    """The page is read as it is meant."""
    assert len(PROMISES) >= 8


def _tests_of(file: str) -> set[str]:
    tree = ast.parse((TREE / file).read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
