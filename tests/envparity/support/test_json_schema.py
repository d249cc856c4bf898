"""Checks of JSON against its schema cost nothing before they are asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SLOW = """
print("imported")


def is_valid_syntax(term, value):
    return value == "of that kind"
"""

ASKED = """
from envparity.faces.cli.run import run_command
print("started")
from jsonschema import FormatChecker
print([FormatChecker(["iri"]).conforms(text, "iri") for text in ("of that kind", "of another")])
"""


def test_a_grammar_that_nobody_asks_for_is_not_compiled(tmp_path: Path) -> None:
    """It takes seconds, and `jsonschema` imports it to check formats: the first who has one checked has it imported."""
    (tmp_path / "rfc3987_syntax.py").write_text(SLOW, encoding="utf-8")
    (tmp_path / "rfc3987.py").write_text("raise ImportError", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), *sys.path))}
    command = [sys.executable, "-c", ASKED]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=600)
    assert ended.stdout.splitlines() == ["started", "imported", "[True, False]"]
