"""A backend of two programs: what the one takes the other answers, where it runs and looks at the same queue."""

from __future__ import annotations

import pytest

from envparity.judge.evidence import LogQuote
from parity_tests.cases.conftest import RunCase, single_cause

CASE = "desk"
CLERK = "python3 server.py --clerk"


def test_a_further_program_runs_beside_the_replicas_and_is_recorded(run_case: RunCase) -> None:
    """From before the first conversation to the end."""
    run = run_case(CASE, environments="staffed")
    assert run.findings == (), run.output
    seen = [program for observation in run.saved.observations for program in observation.processes]
    assert [(program.name, program.exit_code, program.log) for program in seen] == [
        ("clerk", None, ("clerk: looks at questions",))
    ] * 2
    assert all(program.ready_after_s is not None for program in seen)


@pytest.mark.parametrize(
    ("environments", "cause"),
    [("unstaffed", "no process clerk"), ("astray", f"process clerk: {CLERK} queries")],
)
def test_a_program_that_is_not_there_or_does_something_else_is_the_cause(
    run_case: RunCase, environments: str, cause: str
) -> None:
    """Of the question that nobody answers."""
    run = run_case(CASE, environments=environments)
    (red,) = run.findings
    assert (red.code, red.where, red.environments) == ("EP306", "question", ("staging",)), run.output
    assert single_cause(red) == cause


def test_a_program_that_ends_is_the_root_of_what_nobody_does(run_case: RunCase) -> None:
    """One finding with its last words; the silence is counted under it."""
    run = run_case(CASE, environments="tired")
    (red,) = run.findings
    assert (red.code, red.where, red.environments) == ("EP110", "process clerk", ("staging",)), run.output
    assert single_cause(red) == f"process clerk: {CLERK} questions --tired"
    quotes = [piece for piece in red.evidence if isinstance(piece, LogQuote)]
    assert any("clerk: goes home" in line for quote in quotes for line in quote.lines)
