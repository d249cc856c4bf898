"""A rule's code stands in the rule's own file alone, and nobody reads a sentence of a finding back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import envparity
from envparity.judge import RULES

ROOT = Path(envparity.__file__).parent
CODE = re.compile(r"\bEP\d")
AUDIT = "audit/"  # its rules are its own, with a registry of their own
PROSE = {"evidence", "got", "expected", "title", "code", "where", "action", "nature", "said"}


def modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if not path.relative_to(ROOT).as_posix().startswith(AUDIT)]


def writes_rules_down(tree: ast.AST) -> bool:
    """Whether that module is the own file of rules."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "envparity.judge.rules"
        and {name.name for name in node.names} & {"contract", "parity"}
        for node in ast.walk(tree)
    )


def literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Every text of the code; docstrings are for people."""
    docs = {
        id(body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (body := node.body)
        and isinstance(body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_rules_code_outside_of_the_rules_own_files(path: Path) -> None:
    """Who treats a finding in a way of its own asks its rule; an example on the command line is in a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if writes_rules_down(tree):
        return
    found = [f"{node.lineno}: {node.value!r}" for node in literals(tree) if CODE.match(str(node.value))]
    assert found == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_sentence_is_read_back(path: Path) -> None:
    """What is to be asked of a finding is a field of it. A code may be asked for by its beginning."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    asked = [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"startswith", "endswith"}
        and isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr in PROSE
    ]
    if path == ROOT / "judge" / "__init__.py":
        asked = [call for call in asked if "finding.code.startswith(tuple(codes))" not in call]
    assert asked == []


def test_every_rule_says_how_its_findings_are_treated() -> None:
    """None has the conduct of what is unknown, and codes are unique."""
    assert all(rule.conduct.family != "audit" for rule in RULES)
    assert len({rule.code for rule in RULES}) == len(RULES)
