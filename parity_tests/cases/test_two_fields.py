"""Two fields of one frame differ, each by a setting of its own: the field that is printed has its own cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envparity.judge.cause import TraitsCause
from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase


def test_the_field_that_is_printed_has_the_cause_of_that_field(run_case: RunCase) -> None:
    """The setting of the other field changes the same frame, and is no cause of this one."""
    run = run_case("two_fields")
    (finding,) = [finding for finding in run.findings if finding.scenario == "greet"]
    assert finding.paths == (
        "conversation.greet.greeting.limits.burst",
        "conversation.greet.greeting.limits.rate",
    )
    assert single_cause(finding) == "BURST=9"
    assert isinstance(finding.cause, TraitsCause)
    assert finding.cause.others == ("conversation.greet.greeting.limits.rate",), (
        "the other field is not explained by it"
    )
