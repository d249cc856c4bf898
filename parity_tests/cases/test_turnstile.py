"""What holds for one client holds for twenty, and beside one that floods: counted, with its cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envparity.observe.transcript import Clients
from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import CaseRun, RunCase

CASE = "turnstile"


def clients_of(run: CaseRun, environment: str, scenario: str) -> Clients:
    """How they fared in the play that is judged."""
    (seen,) = (
        observation
        for observation in run.saved.observations
        if observation.case.environment == environment and observation.case.boot.steady
    )
    played = seen.transcript(scenario)
    assert played is not None
    assert played.clients is not None
    return played.clients


def test_what_many_clients_meet_is_counted_and_has_its_cause(run_case: RunCase) -> None:
    """Seats that are too few, one line for all, answers that are shared: each by its rule, with the one setting."""
    run = run_case(CASE)
    told = [finding for finding in run.findings if finding.code in {"EP307", "EP331", "EP332"} and not finding.under]
    assert {(finding.code, finding.scenario, finding.environments): single_cause(finding) for finding in told} == {
        ("EP307", "morning", ("sharing",)): "SHARES_ANSWERS=yes",
        ("EP331", "morning", ("small",)): "SEATS=12",
        ("EP332", "noisy_neighbour", ("queueing",)): "TAKES_TURNS=no",
    }
    assert ("EP406", "half", ("small",)) in {
        (finding.code, finding.scenario, finding.environments) for finding in run.findings
    }
    main, small = (clients_of(run, name, "morning") for name in ("main", "small"))
    assert (main.served, main.of, main.otherwise) == (20, 20, {})
    assert (small.served, small.of, small.otherwise) == (12, 20, {"close 1013": 8})
    assert clients_of(run, "sharing", "morning").crossed
