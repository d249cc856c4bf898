"""Two fields of one frame differ, each by a setting of its own: each field has its own cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envparity.judge.cause import TraitsCause
from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase


def test_each_field_has_the_cause_of_that_field(run_case: RunCase) -> None:
    """The setting of the other field changes the same frame: it is told beside the cause of the one that is printed."""
    run = run_case("two_fields")
    (finding,) = [finding for finding in run.findings if finding.scenario == "greet"]
    assert finding.paths == (
        "conversation.greet.greeting.limits.burst",
        "conversation.greet.greeting.limits.rate",
    )
    assert single_cause(finding) == "BURST=9"
    assert isinstance(finding.cause, TraitsCause)
    (field,) = finding.cause.fields
    assert (field.paths, field.alternatives) == (("conversation.greet.greeting.limits.rate",), (("RATE=300",),))
    assert finding.cause.others == ()
