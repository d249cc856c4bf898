"""The fault catalogue stays in step with the tree that it breaks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from parity_tests.faults.catalogue import CATALOGUE, ORDER_CATALOGUE, Fault

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", [*CATALOGUE, *ORDER_CATALOGUE], ids=lambda fault: fault.id)
def test_a_fault_applies_to_the_tree(fault: Fault) -> None:
    """Whoever changes what it changes is told so at once, and not by the containers of an hour later."""
    command = ["git", "apply", "--check", "--whitespace=nowarn", str(fault.patch)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr
