"""Proof that the suite bites: every fault of the catalogue turns the verdict red for the right reason, and only it."""

from __future__ import annotations

import re
from pathlib import Path

from envparity.judge.cause import Everywhere
from envparity.report.wording import cause_text, evidence_lines
from parity_tests.faults.catalogue import CATALOGUE, ORDER_CATALOGUE, Fault
from parity_tests.faults.verdicts import Ran, expected_findings, replayed, run_on

MOST_BOOTS = {1: 10, 2: 18}
"""By the number of differences that are needed together; what verifies them is not counted."""

INCIDENT = [f"F{number:02}" for number in range(1, 32) if number not in {12, 19}]


def test_the_clean_tree_is_clean(clean_tree: Path, tmp_path: Path) -> None:
    """Without a fault there is no finding: a false alarm costs the suite its users."""
    assert run_on(clean_tree, tmp_path).verdict.findings == ()


def test_a_fault_turns_the_verdict_red_for_the_right_reason(run_of_fault: tuple[Fault, Ran]) -> None:
    """The expected code is raised, names what it must name and its cause, and shows where it must and nowhere else."""
    fault, ran = run_of_fault
    expected = expected_findings(ran.verdict, fault)
    assert {name for finding in expected for name in finding.environments} == set(fault.shows_in)
    assert {cause_text(finding.cause) for finding in expected} == {fault.cause}


def test_its_cause_is_found_in_few_boots(run_of_fault: tuple[Fault, Ran]) -> None:
    """One difference in at most 10 boots, two that are needed together in at most 18; in a haystack among 40 or more.

    What shows everywhere costs none.
    """
    fault, ran = run_of_fault
    evidence = "\n".join(evidence_lines(expected_findings(ran.verdict, fault)[0]))
    said = re.search(r"differ in (\d+) traits?.* \((\d+) boots to find it", evidence)
    assert (said is None) == (fault.cause == cause_text(Everywhere())), evidence
    traits, boots = map(int, said.groups()) if said is not None else (0, 0)
    assert boots <= MOST_BOOTS[fault.cause.count(" and ") + 1]
    assert traits >= 40 or not fault.haystack


def test_a_replay_says_that_it_is_still_red(run_of_fault: tuple[Fault, Ran]) -> None:
    """Only the cases that showed it are booted again, and they show it again."""
    fault, ran = run_of_fault
    assert replayed(ran, expected_findings(ran.verdict, fault)[0], ran.root) == (1, "still red")


def test_a_replay_says_that_it_is_no_longer_there_once_the_patch_is_gone(
    run_of_fault: tuple[Fault, Ran], clean_tree: Path
) -> None:
    """The same cases of the clean tree show neither that nor anything new."""
    fault, ran = run_of_fault
    assert replayed(ran, expected_findings(ran.verdict, fault)[0], clean_tree) == (0, "no longer")


def test_the_catalogue_has_the_faults_of_the_incident() -> None:
    """No fault can be lost in silence."""
    ids = [fault.id for fault in (*CATALOGUE, *ORDER_CATALOGUE)]
    assert len(ids) == len(set(ids))
    assert {*INCIDENT} <= {*ids}
