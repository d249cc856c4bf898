"""Faults that show in some orders of initialisation only: the covering set alone finds them, and names the steps."""

from __future__ import annotations

from pathlib import Path

from envparity.judge import judge
from envparity.report.wording import cause_text
from parity_tests.faults.catalogue import Fault
from parity_tests.faults.verdicts import Ran, expected_findings, replayed


def test_a_fault_of_an_order_is_found_by_the_covering_set(orders_of_fault: tuple[Fault, Ran]) -> None:
    """Everything passes in the canonical order; strength 3 finds the order that fails, and the pairs that matter."""
    fault, ran = orders_of_fault
    found = expected_findings(ran.verdict, fault)
    booted = set(ran.subject.environments)
    assert {name for finding in found for name in finding.environments} == booted & set(fault.shows_in)
    assert booted & set(fault.shows_in)
    assert {cause_text(finding.cause) for finding in found} == {fault.cause}


def test_a_fault_of_an_order_hides_from_the_canonical_one(orders_of_fault: tuple[Fault, Ran]) -> None:
    """The very same boots without other orders are clean: this is what passes locally and breaks in staging."""
    _, ran = orders_of_fault
    assert {observation.case.environment for observation in ran.saved.observations} == set(ran.subject.environments)
    assert judge(ran.subject, ran.saved.observations).findings == ()


def test_a_replay_of_an_order_says_that_it_is_still_red(orders_in_depth: tuple[Fault, Ran]) -> None:
    """Each environment is booted in the order that showed it, and shows it again."""
    fault, ran = orders_in_depth
    assert replayed(ran, expected_findings(ran.verdict, fault)[0], ran.root) == (1, "still red")


def test_a_replay_of_an_order_says_that_it_is_no_longer_there_once_the_patch_is_gone(
    orders_in_depth: tuple[Fault, Ran], clean_tree: Path
) -> None:
    """That order of the clean tree is as good as any other."""
    fault, ran = orders_in_depth
    assert replayed(ran, expected_findings(ran.verdict, fault)[0], clean_tree) == (0, "no longer")
