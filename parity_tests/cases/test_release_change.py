"""A release that follows another on the same data: where the change breaks something, the change is the cause."""

from __future__ import annotations

from envparity.judge.cause import ReleaseCause
from parity_tests.cases.conftest import CaseRun, RunCase

CASE = "release_change"


def changes(run: CaseRun) -> set[str]:
    """The changes that are the causes of what was found; each release by itself shows none of it."""
    causes = [finding.cause for finding in run.findings if not finding.under]
    assert causes, run.output
    assert all(isinstance(cause, ReleaseCause) and cause.before and cause.alone for cause in causes), run.output
    return {change for cause in causes if isinstance(cause, ReleaseCause) for change in cause.changes}


def test_a_rolling_deployment_whose_migration_breaks_the_old_replicas_is_the_cause(run_case: RunCase) -> None:
    """The column has another name: this release is right, and who is still on the previous one is cut off."""
    run = run_case(CASE, "--only", "entry_while_rolling", "--only", "entry_after_rollback", backend="rename.toml")
    assert run.exit_code == 1, run.output
    assert changes(run) == {"rolling", "rollback"}
    assert {case.partition("-")[0] for finding in run.findings for case in finding.cases} == {"laptop", "cloud"}
    assert {finding.nature for finding in run.findings if finding.scenario == "entry_while_rolling"}


def test_a_migration_that_holds_on_an_empty_database_only_is_the_upgrades(run_case: RunCase) -> None:
    """A column that must have a value, and none for the rows that are there."""
    run = run_case(CASE, "--only", "entry_after_upgrade", "--environment", "laptop", backend="required.toml")
    assert run.exit_code == 1, run.output
    assert changes(run) == {"upgrade"}
    assert {finding.code for finding in run.findings if not finding.under} == {"EP105"}


def test_a_migration_with_a_default_is_clean(run_case: RunCase) -> None:
    """Upgraded, while it rolls, and on the way back: each is booted, and nothing is found."""
    run = run_case(CASE, backend="default.toml")
    assert (run.exit_code, run.findings) == (0, ()), run.output
    booted = {(observation.case.environment, observation.case.boot.release) for observation in run.saved.observations}
    assert booted == {
        ("laptop", ""), ("laptop", "upgrade"), ("laptop", "rollback"),
        ("cloud", ""), ("cloud", "upgrade"), ("cloud", "rollback"), ("cloud", "rolling"),
    }  # fmt: skip
    assert all(observation.before for observation in run.saved.observations if observation.case.boot.release)
