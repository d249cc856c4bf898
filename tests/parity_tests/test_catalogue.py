"""The fault catalogue stays in step with the tree that it breaks."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from parity_tests.faults.catalogue import (
    CATALOGUE,
    ORDER_CATALOGUE,
    ROTATION,
    UPGRADE_CATALOGUE,
    Fault,
    launcher_of,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", [*CATALOGUE, *ORDER_CATALOGUE, *UPGRADE_CATALOGUE], ids=lambda fault: fault.id)
def test_a_fault_applies_to_the_tree(fault: Fault) -> None:
    """Whoever changes what it changes is told so at once, and not by the containers of an hour later."""
    command = ["git", "apply", "--check", "--whitespace=nowarn", str(fault.patch)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr


def test_every_fault_has_its_turn_in_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    """In so many days as a rotation has; every day some have it, one of an order among them; and at night all have."""
    monkeypatch.delenv("ENVPARITY_FAULTS", raising=False)
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(ROTATION)]
    everything = (*CATALOGUE, *ORDER_CATALOGUE)
    turns = {fault.id for fault in everything for day in days if launcher_of(fault, day) == "container"}
    assert turns == {fault.id for fault in everything}
    for day in days:
        assert sum(launcher_of(fault, day) == "container" for fault in ORDER_CATALOGUE) == 1
        assert (
            len(CATALOGUE) // ROTATION
            <= sum(launcher_of(fault, day) == "container" for fault in CATALOGUE)
            <= len(CATALOGUE) // 5
        )
    monkeypatch.setenv("ENVPARITY_FAULTS", "containers")
    assert {launcher_of(fault, days[0]) for fault in everything} == {"container"}
