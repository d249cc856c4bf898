"""The table of docs/hardening.md is that of the tree: every suite of what is tried has its row, with its figure."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.docs.pages import TREE, tables

PAGE = "docs/hardening.md"
ROWS = {file: row for row in tables(PAGE)["What it is tried with"] for file in re.findall(r"`([\w/]+\.py)`", row[0])}

EACH_TEST_IS_A_TRY = (
    *("parity_tests/cases/test_secrets.py", "tests/envparity/dependencies/test_kept_cluster.py"),
    *("tests/envparity/support/redaction/test_doors.py", "tests/envparity/support/test_reading.py"),
    *("tests/hostile/test_contracts.py", "tests/hostile/test_deaths.py", "tests/hostile/test_engine_address.py"),
    *("tests/hostile/test_escapes.py", "tests/hostile/test_frozen_engine.py", "tests/hostile/test_health.py"),
    *("tests/hostile/test_machine.py", "tests/hostile/test_other_namespaces.py", "tests/hostile/test_other_users.py"),
    *("tests/hostile/test_patterns.py", "tests/hostile/test_sizes.py", "tests/hostile/test_sources.py"),
)
"""Files of which a row's figure counts the tests; others try several things in one."""


def test_every_file_of_the_suite_has_a_row() -> None:
    """Nobody can add what is tried, or leave it out, without the page."""
    there = {str(file.relative_to(TREE)) for file in (TREE / "tests" / "hostile").glob("test_*.py")}
    assert there <= ROWS.keys()
    assert [file for file in ROWS if not (TREE / file).is_file()] == []


@pytest.fixture(scope="module")
def tests_of() -> Counter[str]:
    """How many tests each of those files has, as pytest collects them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *EACH_TEST_IS_A_TRY]
    collected = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=True, timeout=600).stdout
    return Counter(line.split("::")[0] for line in collected.splitlines() if "::" in line)


@pytest.mark.parametrize("file", EACH_TEST_IS_A_TRY)
def test_its_figure_is_how_many_tests_there_are(tests_of: Counter[str], file: str) -> None:
    assert re.match(r"\d+", ROWS[file][1]).group() == str(tests_of[file])  # type: ignore[union-attr]
