"""What shows in some boots or plays only is told as that, with its number, and no innocent is its cause."""

from __future__ import annotations

from envparity.judge.cause import Chance, TraitsCause
from envparity.judge.finding import Finding
from parity_tests.cases.conftest import CaseRun, RunCase

BOOTS = "10"


def by_chance(finding: Finding) -> Chance:
    """Its cause, which is chance."""
    assert isinstance(finding.cause, Chance), finding.cause
    return finding.cause


def all_of(run: CaseRun) -> tuple[Finding, ...]:
    """What is red, and what is not because all environments are alike in it."""
    return (*run.findings, *run.verdict.by_chance)


def test_a_crash_in_three_of_ten_boots_is_counted(run_case: RunCase) -> None:
    """In either environment, which are alike; so it is told, and where the rates are alike it is not red."""
    run = run_case("crashes_sometimes", "--repeat", BOOTS)
    ended = [finding for finding in all_of(run) if not finding.under]
    assert ended, run.output
    for finding in ended:
        cause = by_chance(finding)
        assert 0 < cause.shown < cause.of == int(BOOTS), run.output
        assert cause.changed_by == (), run.output
        assert f"{cause.shown} of {cause.of} boots" in run.output
    assert run.exit_code == (1 if run.findings else 0)


def test_frames_in_any_order_are_told_as_chance(run_case: RunCase) -> None:
    """The script wants one order, and some plays of either environment keep to it."""
    run = run_case("frames_in_any_order")
    told = all_of(run)
    assert told, run.output
    for finding in told:
        cause = by_chance(finding)
        assert 0 < cause.shown <= cause.of
        assert (cause.changed_by, finding.where) == ((), "join"), run.output


def test_the_number_of_worker_processes_is_what_changes_the_rate(run_case: RunCase) -> None:
    """Red every time; how often two connections come to one worker is chance."""
    run = run_case("worker_processes")
    (finding,) = run.findings
    assert (run.exit_code, finding.where, finding.environments) == (1, "room", ("cloud",)), run.output
    cause = by_chance(finding)
    assert cause.changed_by == ("WORKERS=2",), run.output
    assert cause.elsewhere == 0 < cause.shown <= cause.of


def test_where_another_worker_is_asked_for_nothing_is_chance(run_case: RunCase) -> None:
    """One process answers in the one environment, and another one in the other: it shows always, and is told so."""
    run = run_case("worker_processes", backend="told_apart.toml")
    (finding,) = run.findings
    assert (run.exit_code, finding.where, finding.environments) == (1, "room", ("cloud",)), run.output
    assert isinstance(finding.cause, TraitsCause), run.output
    assert finding.cause.alternatives == (("WORKERS=2",),)
