"""A difference that changes only how a defect shows is no part of its cause."""

from __future__ import annotations

from parity_tests.cases.conftest import RunCase, single_cause


def test_the_ingress_that_makes_a_close_of_a_silence_is_not_the_cause(run_case: RunCase) -> None:
    """Without it the same conversation is as dead, and only the setting mends it."""
    run = run_case("disguised_silence")
    (finding,) = run.findings
    assert finding.environments == ("staging",)
    assert single_cause(finding) == "BROKER_TIMEOUT_S=30"
