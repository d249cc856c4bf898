"""What only warm boots showed: booted again cold, and believed or reported as what it is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge.cause import OrderCause, StepPair
from envparity.judge.confirm import cases_to_confirm, confirm, only_warm
from envparity.judge.evidence import Note, Reproduced
from envparity.judge.finding import Finding, Judgement, Place
from envparity.judge.warm import WARM_ONLY
from envparity.model.case import Boot, Case
from envparity.observe.record import Observation
from envparity.report.wording import evidence_lines

CANONICAL = Boot(order=("a", "b"))
OTHER = Boot(order=("b", "a"))
THIRD = Boot(order=("b", "c"))
LATE = Boot(timeline=("backend", "redis"))
FRAME = Note("a frame")
PAIRS = (StepPair("b", "a"),)
CAUSE = OrderCause(PAIRS, pairs=PAIRS, boots=3)


def case(boot: Boot = CANONICAL, environment: str = "local") -> Case:
    return Case(environment, "shop", boot)


def seen(boot: Boot = CANONICAL, environment: str = "local", *, warm: bool = True) -> Observation:
    return Observation(case(boot, environment), "container", "r1", warm=warm)


def found(*cases: Case, code: str = "EP213", where: str = "chat", **changes: Any) -> Finding:
    environments = tuple(dict.fromkeys(case.environment for case in cases))
    return replace(
        Finding(code, "depends on the order", where, "pong", "nothing", environments, tuple(case.id for case in cases)),
        **changes,
    )


def judgement(*findings: Finding) -> Judgement:
    return Judgement(findings, (), 30)


USUAL = seen(Boot(), warm=False)
BOTH = (USUAL, seen(CANONICAL), seen(OTHER), seen(CANONICAL, "staging"), seen(OTHER, "staging"))


def test_what_only_a_watched_fork_can_show_is_not_doubtful() -> None:
    """EP108: nobody watches what a fresh container makes, so that its silence says nothing."""
    assert only_warm(judgement(found(case(OTHER), code="EP108")), BOTH) == ()


@pytest.mark.parametrize(
    ("finding", "doubtful"),
    [
        (found(case(OTHER)), True),
        (found(case(CANONICAL), case(OTHER)), True),
        (found(case(Boot())), False),
        (found(case(Boot()), case(OTHER)), False),
        (found(), False),
    ],
    ids=["warm", "warm with its baseline", "cold", "cold and warm", "of no case"],
)
def test_a_finding_is_doubtful_where_every_case_that_shows_it_was_warm(finding: Finding, *, doubtful: bool) -> None:
    """One cold boot that shows it is enough to believe it."""
    assert only_warm(judgement(finding), BOTH) == ((finding,) if doubtful else ())


def test_one_failing_case_and_the_canonical_one_are_booted_in_each_environment() -> None:
    """However many orders show it: the first of them, and what it is compared with."""
    observations = (*BOTH, seen(THIRD))
    finding = found(case(OTHER), case(THIRD), case(OTHER, "staging"))
    assert cases_to_confirm([finding], observations) == (
        case(OTHER),
        case(CANONICAL),
        case(OTHER, "staging"),
        case(CANONICAL, "staging"),
    )


def test_the_canonical_case_is_listed_beside_what_differs_from_it() -> None:
    """It is not what has to be confirmed then, but the other one."""
    assert cases_to_confirm([found(case(CANONICAL), case(OTHER))], BOTH) == (case(OTHER), case(CANONICAL))


def test_what_the_canonical_case_alone_shows_is_confirmed_with_it_in_every_environment() -> None:
    """A finding of both canonical boots is not left unconfirmed."""
    finding = found(case(CANONICAL), case(CANONICAL, "staging"))
    assert cases_to_confirm([finding], BOTH) == (case(CANONICAL), case(CANONICAL, "staging"))


def test_a_canonical_boot_that_was_cold_is_not_booted_again() -> None:
    """And no other order is taken for the canonical one."""
    observations = (USUAL, seen(CANONICAL, warm=False), seen(OTHER), seen(THIRD))
    assert cases_to_confirm([found(case(THIRD))], observations) == (case(THIRD),)


def test_a_case_is_booted_once_for_all_findings_that_it_shows() -> None:
    """A cold boot costs seconds."""
    findings = [found(case(OTHER)), found(case(OTHER), code="EP211")]
    assert cases_to_confirm(findings, BOTH) == (case(OTHER), case(CANONICAL))


def test_dependencies_are_confirmed_where_no_order_could_be_asked_for() -> None:
    """There is no canonical boot then, and the usual one is cold anyway."""
    observations = (USUAL, seen(LATE))
    assert cases_to_confirm([found(case(LATE), code="EP215")], observations) == (case(LATE),)


def test_what_a_fresh_container_shows_too_is_confirmed() -> None:
    """The finding stays as it is, and says where it was reproduced."""
    finding = found(case(OTHER), case(OTHER, "staging"), evidence=(FRAME,))
    again = found(case(OTHER))
    assert confirm(judgement(finding), [finding], judgement(again)).findings == (
        replace(finding, evidence=(FRAME, Reproduced(("local",)))),
    )


def test_what_no_fresh_container_shows_is_reported_as_that() -> None:
    """It keeps its cases and what it got, and says what it would have been."""
    finding = found(case(OTHER), evidence=(FRAME,), cause=CAUSE)
    (told,) = confirm(judgement(finding), [finding], judgement()).findings
    assert (told.code, told.title, told.action) == ("EP902", WARM_ONLY.title, WARM_ONLY.action)
    assert evidence_lines(told)[:2] == ("would have been EP213, depends on the order", "a frame")
    assert (told.cases, told.got, told.cause) == (finding.cases, finding.got, finding.cause)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"got": "another frame"}, True),
        ({"code": "EP211"}, False),
        ({"where": "history"}, False),
        ({"component": "auth"}, False),
        ({"environments": ("staging",)}, False),
        ({"where": "history", "places": (Place("chat", "nothing"),)}, True),
        ({"where": "step 2", "scenarios": ("chat", "history")}, True),
    ],
)
def test_only_the_same_failure_confirms_it(changes: dict[str, Any], *, same: bool) -> None:
    """Same code, component and environment, at the same place, or where one root was folded into another place."""
    finding = found(case(OTHER), scenarios=("chat",))
    again = found(case(OTHER), **changes)
    (told,) = confirm(judgement(finding), [finding], judgement(again)).findings
    assert (told.code == finding.code) is same


def test_what_was_never_in_doubt_is_left_alone() -> None:
    """Whatever the cold boots showed."""
    certain, doubtful = found(case(Boot()), code="EP101"), found(case(OTHER))
    told = confirm(judgement(certain, doubtful), [doubtful], judgement()).findings
    assert told[0] == certain
    assert [finding.code for finding in told] == ["EP101", "EP902"]


def test_the_rest_of_the_judgement_stays() -> None:
    """Exemptions and the number of rules are those of the whole run."""
    finding = found(case(OTHER))
    before = judgement(finding)
    after = confirm(before, [finding], replace(judgement(finding), rules=1))
    assert (after.exemptions, after.rules) == (before.exemptions, before.rules)
