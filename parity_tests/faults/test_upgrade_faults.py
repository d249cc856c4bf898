"""Faults of a release that follows another: red on the data of the clean tree, for that change, and for no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.report.wording import cause_text
from parity_tests.faults.catalogue import UPGRADE_CATALOGUE, Fault, apply_to_copy
from parity_tests.faults.verdicts import expected_findings, replayed, run_on


@pytest.mark.parametrize("fault", UPGRADE_CATALOGUE, ids=lambda fault: fault.id)
def test_a_fault_of_an_upgrade_is_red_for_the_upgrade(fault: Fault, tmp_path: Path) -> None:
    """With its code and cause, in the boot that upgrades alone; and again in a replay."""
    tree = apply_to_copy(fault, tmp_path / "tree")
    ran = run_on(
        tree, tmp_path / "runs", environments=fault.environments, only=fault.plays, causes=True, launcher="process"
    )
    expected = expected_findings(ran.verdict, fault)
    assert {name for finding in expected for name in finding.environments} == set(fault.shows_in)
    assert {cause_text(finding.cause) for finding in expected} == {fault.cause}
    released = {observation.case.id: observation.case.boot.release for observation in ran.saved.observations}
    assert {released[case] for finding in expected for case in finding.cases} == {"upgrade"}
    assert replayed(ran, expected[0], tree) == (1, "still red")
