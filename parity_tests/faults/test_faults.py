"""Proof that the suite bites: every fault of the catalogue turns the verdict red for the right reason, and only it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envparity.judge.cause import Everywhere
from envparity.report.wording import cause_text, evidence_lines
from parity_tests.faults.catalogue import (
    BENIGN,
    CATALOGUE,
    ORDER_CATALOGUE,
    UPGRADE_CATALOGUE,
    Fault,
    Twin,
    apply_to_copy,
)
from parity_tests.faults.turns import twins_of_turn
from parity_tests.faults.verdicts import Ran, expected_findings, replayed, run_on

MOST_BOOTS = {1: 10, 2: 18}
"""By the number of differences that are needed together; what verifies them is not counted."""

SECOND_EDITION = [
    *("F32", "F33", "F36", "F37", "F40", "F41", "F42", "F45"),
    *(f"F{number}" for number in range(46, 66) if number != 59),
]

INCIDENT = [f"F{number:02}" for number in range(1, 32) if number not in {12, 19}]
DISTURBED = ["F34", "F35", "F38", "F39", "F43", "F44"]


@pytest.mark.parametrize("twin", twins_of_turn(), ids=lambda twin: twin.id)
def test_what_looks_like_a_fault_and_is_none_stays_green(twin: Twin, tmp_path: Path) -> None:
    """The same idea, done rightly: it is the defect that is seen, not the means."""
    tree = apply_to_copy(twin, tmp_path / "tree")
    ran = run_on(
        tree,
        tmp_path / "runs",
        environments=twin.environments,
        only=twin.plays,
        launcher="process",
        thorough=twin.thorough,
    )
    assert ran.verdict.findings == ()
    assert ran.verdict.by_chance == ()


def test_a_fault_turns_the_verdict_red_where_it_shows_and_nowhere_else(run_of_fault: tuple[Fault, Ran]) -> None:
    """The expected code is raised, and names what it must name, in each booted environment that shows it alone."""
    fault, ran = run_of_fault
    expected = expected_findings(ran.verdict, fault)
    booted = set(ran.subject.environments)
    assert {name for finding in expected for name in finding.environments} == booted & set(fault.shows_in)
    assert booted & set(fault.shows_in)


def test_its_cause_is_named(run_in_depth: tuple[Fault, Ran]) -> None:
    """The cause that its head says, and no other; it shows in each environment that its head says."""
    fault, ran = run_in_depth
    expected = expected_findings(ran.verdict, fault)
    assert {name for finding in expected for name in finding.environments} == set(fault.shows_in)
    assert {cause_text(finding.cause) for finding in expected} == {fault.cause}


def test_its_cause_is_found_in_few_boots(run_in_depth: tuple[Fault, Ran]) -> None:
    """One difference in at most 10 boots, two that are needed together in at most 18; in a haystack among 40 or more.

    What shows everywhere costs none, nor does what one environment alone can play.
    """
    fault, ran = run_in_depth
    evidence = "\n".join(evidence_lines(expected_findings(ran.verdict, fault)[0]))
    said = re.search(r"differ in (\d+) traits?.* \((\d+) boots? to find it", evidence)
    assert (said is None) == (fault.cause in {cause_text(Everywhere()), ""}), evidence
    traits, boots = map(int, said.groups()) if said is not None else (0, 0)
    assert boots <= MOST_BOOTS[fault.cause.count(" and ") + 1]
    assert traits >= 40 or not fault.haystack


def test_a_replay_says_that_it_is_still_red(run_in_depth: tuple[Fault, Ran]) -> None:
    """Only the cases that showed it are booted again, and they show it again."""
    fault, ran = run_in_depth
    assert replayed(ran, expected_findings(ran.verdict, fault)[0], ran.root) == (1, "still red")


def test_a_replay_says_that_it_is_no_longer_there_once_the_patch_is_gone(
    run_in_depth: tuple[Fault, Ran], clean_tree: Path
) -> None:
    """The same cases of the clean tree show neither that nor anything new."""
    fault, ran = run_in_depth
    assert replayed(ran, expected_findings(ran.verdict, fault)[0], clean_tree) == (0, "no longer")


def test_the_catalogue_has_the_faults_of_the_incident() -> None:
    """No fault can be lost in silence."""
    ids = [fault.id for fault in (*CATALOGUE, *ORDER_CATALOGUE, *UPGRADE_CATALOGUE)]
    assert len(ids) == len(set(ids))
    assert {*INCIDENT, *SECOND_EDITION, *DISTURBED} <= {*ids}
    assert {twin.id for twin in BENIGN} <= {*ids}
