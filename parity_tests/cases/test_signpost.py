"""What a browser is told of health and of an error: a header that one environment lacks has its cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase


def test_a_header_for_other_origins_that_one_environment_lacks_has_its_cause(run_case: RunCase) -> None:
    """Told once of each path, and the ingress that only one has is not it."""
    run = run_case("signpost")
    assert {(finding.code, finding.environments) for finding in run.findings} == {("EP407", ("cloud",))}
    assert {path.rpartition(".")[2] for finding in run.findings for path in finding.paths} == {
        "access-control-allow-origin"
    }
    (told,) = (finding for finding in run.findings if not finding.under)
    assert single_cause(told) == "READERS=own"
