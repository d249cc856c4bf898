"""What is random is told as that, and what a script says in words of placeholders is no difference."""

from __future__ import annotations

from pathlib import Path

from envparity.judge import codes_of, rule
from envparity.judge.evidence import ObservedDifference
from parity_tests.cases.conftest import RunCase


def test_a_random_field_is_one_finding_without_a_cause(run_case: RunCase) -> None:
    """With the field, its values in two plays of one environment, and the line that says that it means nothing."""
    run = run_case("random_field")
    (finding,) = run.findings
    assert (run.exit_code, finding.where, finding.nature) == (1, "number", "another value")
    assert finding.code in codes_of("transcript")
    assert rule(finding.code).title == "differs by chance"
    assert (finding.cause, set(finding.environments)) == (None, {"local", "staging"})
    assert set(finding.scenarios) == {"welcome", "welcome_again"}
    assert '"number"' in finding.action
    quoted = [piece for piece in finding.evidence if isinstance(piece, ObservedDifference)]
    assert all((difference.baseline, difference.other) == ("first play", "second play") for difference in quoted)


def test_what_is_volatile_is_not_compared(run_case: RunCase, tmp_path: Path) -> None:
    """The proposed line is the mend."""
    text = (Path(__file__).parent / "random_field" / "backend.toml").read_text()
    backend = tmp_path / "backend.toml"
    backend.write_text(text.replace('websocket_path = "/"', 'websocket_path = "/"\nvolatile = ["number"]'))
    (tmp_path / "server.py").write_text((Path(__file__).parent / "random_field" / "server.py").read_text())
    run = run_case("random_field", backend=str(backend))
    assert (run.exit_code, run.findings) == (0, ()), run.output


def test_a_value_that_the_script_says_with_a_placeholder_is_no_difference(run_case: RunCase) -> None:
    """Each environment has its own origin and its own limit, and each says just that."""
    run = run_case("link_from_origin")
    assert (run.exit_code, run.findings) == (0, ()), run.output
