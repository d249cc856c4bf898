"""Replicas that make the same tables at the same moment: red, for the number of replicas, and told once."""

from __future__ import annotations

from envparity.judge.cause import Chance
from parity_tests.cases.conftest import RunCase, single_cause

REPLICAS = "platform.replicas=3"


def test_replicas_that_make_their_tables_together_are_the_cause(run_case: RunCase) -> None:
    """They come to the server in the same moment; where a boot was lucky all the same, it is counted."""
    run = run_case("tables_made_together")
    assert run.exit_code == 1, run.output
    told = [finding for finding in run.findings if not finding.under]
    assert len(told) == 1, run.output
    finding = told[0]
    assert finding.environments == ("cloud",), run.output
    if isinstance(finding.cause, Chance):
        assert finding.cause.changed_by == (REPLICAS,), run.output
    else:
        assert single_cause(finding) == REPLICAS, run.output


def test_replicas_that_do_so_one_after_the_other_are_clean(run_case: RunCase) -> None:
    """However long the others wait for the one."""
    run = run_case("tables_made_together", backend="locked.toml")
    assert (run.exit_code, run.findings) == (0, ()), run.output
