"""What may differ is declared with a reason, is needed, and is counted."""

from __future__ import annotations

from envparity.faces.parity_run import ParityRun


def test_every_declared_difference_has_a_reason(parity: ParityRun) -> None:
    """A sentence, not a word; the environment that the others are compared with declares none."""
    declared = [
        (name, difference)
        for name, environment in parity.project.environments.items()
        for difference in environment.differences
    ]
    assert declared != []
    assert [(name, difference.path) for name, difference in declared if len(difference.reason.split()) < 3] == []
    assert {name for name, _ in declared} <= set(parity.environments[1:])


def test_every_declared_difference_was_used(parity: ParityRun) -> None:
    """The exemptions of the verdict are exactly the differences of the files, each of which covered something."""
    declared = {
        (name, difference.path)
        for name, environment in parity.project.environments.items()
        for difference in environment.differences
    }
    assert {(exemption.environment, exemption.path) for exemption in parity.verdict.exemptions} == declared
    assert [exemption.path for exemption in parity.verdict.exemptions if not exemption.covered] == []


def test_no_exemption_is_unused_or_expired(parity: ParityRun) -> None:
    """An exemption that nothing uses any more is itself a finding, and so is one past its date."""
    parity.assert_holds(codes=("EP204", "EP205"))


def test_no_exemption_hides_a_verdict(parity: ParityRun) -> None:
    """Statuses, outcomes, failures, close codes and critical checks may never differ, whatever a file declares."""
    sacred = ("status", "outcome", "failures", "critical", "code")
    hidden = [
        path for exemption in parity.verdict.exemptions for path in exemption.covered if path.split(".")[-1] in sacred
    ]
    assert hidden == []
