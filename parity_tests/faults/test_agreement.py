"""Containers and processes agree: the same cases give the same findings, but for what only a container can show."""

from __future__ import annotations

from pathlib import Path

from parity_tests.faults.catalogue import Fault
from parity_tests.faults.turns import everything
from parity_tests.faults.verdicts import COVERING_SET, Ran, expected_findings, run_on

Found = set[tuple[str, str, tuple[str, ...]]]


def found_in(ran: Ran) -> Found:
    """Each finding by its code, its place and the environments that show it."""
    return {(finding.code, finding.where, finding.environments) for finding in ran.verdict.findings}


if everything():  # else `tox -e processes` judges it

    def test_the_clean_tree_is_clean_in_processes_too(clean_tree: Path, tmp_path: Path) -> None:
        """The whole suite, without an engine: no false alarm."""
        assert found_in(run_on(clean_tree, tmp_path, launcher="process")) == set()


def test_a_fault_gives_the_same_findings_in_processes(run_in_containers: tuple[Fault, Ran], tmp_path: Path) -> None:
    """Code, place and environments; a fault that only a container can show is not there, and its file says why."""
    fault, ran = run_in_containers
    environments = tuple(ran.subject.environments)
    again = run_on(
        ran.root,
        tmp_path,
        environments=environments,
        only=fault.plays,
        launcher="process",
        thorough=fault.thorough,
    )
    shown = {(finding.code, finding.where, finding.environments) for finding in expected_findings(ran.verdict, fault)}
    if fault.container_only:
        assert not shown & found_in(again)
    else:
        assert found_in(again) == found_in(ran)


def test_a_fault_of_an_order_gives_the_same_findings_in_processes(
    orders_in_containers: tuple[Fault, Ran], tmp_path: Path
) -> None:
    """One environment is enough to see the same orders fail, and the same steps named."""
    _, ran = orders_in_containers
    again = run_on(
        ran.root,
        tmp_path,
        environments=("local",),
        only=("conversation",),
        orders=COVERING_SET,
        launcher="process",
    )
    named = {
        (finding.code, finding.where, finding.cause)
        for finding in ran.verdict.findings
        if "local" in finding.environments
    }
    assert {(finding.code, finding.where, finding.cause) for finding in again.verdict.findings} == named
