"""What jobs showed: one that failed, and those that did something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.environment import load_environment
from envparity.isolate import differences, mix
from envparity.judge import judge
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.environment import DeclaredDifference, Environment, Job
from envparity.model.project import Project
from envparity.observe.record import JobRun, Observation, Replica

BACKEND = Backend("chat", Path("backend.toml"))
MIGRATE = JobRun("migrate", 0, 1.5, ("took 12 ms", "done at 2031-01-01T00:00:00Z"))


def codes(*jobs: JobRun | None, boot: Boot = Boot(), declared: str = "") -> list[tuple[str, str]]:  # noqa: B008  frozen
    """The findings of two environments, each of which ran one of these jobs, by code and place."""
    meant = (DeclaredDifference(declared, "meant"),) if declared else ()
    environments = {"local": Environment("local"), "staging": Environment("staging", differences=meant)}
    seen = [
        Observation(Case(name, "chat", boot), "process", "r", replicas=(Replica(0),), jobs=(job,) if job else ())
        for name, job in zip(environments, jobs, strict=True)
    ]
    verdict = judge(Project(BACKEND, environments), seen)
    return [(finding.code, finding.where) for finding in verdict.findings]


def test_jobs_that_did_the_same_are_no_difference() -> None:
    """Whatever numbers and moments they have written, and however long each took."""
    assert codes(MIGRATE, JobRun("migrate", 0, 9.0, ("took 7 ms", "done at 2032-02-02T10:00:00Z"))) == []


@pytest.mark.parametrize("other", [JobRun("migrate", 0, 1.0, ("nothing to do",)), None])
def test_a_job_that_did_something_else_or_is_not_there_is_a_difference(other: JobRun | None) -> None:
    """Which an environment may declare; a boot with a dependency down has no jobs."""
    assert codes(MIGRATE, other) == [("EP206", "jobs.migrate")]
    assert codes(MIGRATE, other, declared="jobs.migrate.log") == []
    assert codes(MIGRATE, other, boot=Boot(down=("redis",))) == []


def test_what_there_was_still_to_do_is_compared_by_itself() -> None:
    """The second run has a place of its own."""
    left, none = JobRun("migrate", 0, 1.0, ("1 left",), again=True), JobRun("migrate", 0, 1.0, ("done",), again=True)
    assert codes(left, none) == [("EP206", "jobs.migrate")]
    assert codes(left, none, declared="jobs.migrate.again.log") == []
    failed = JobRun("migrate", 1, 1.0, again=True)
    assert codes(left, failed) == [("EP109", "job migrate again")]


@pytest.mark.parametrize(("exit_code", "duration_s"), [(1, 0.2), (None, 60.0)])
def test_a_job_that_failed_is_one_finding(exit_code: int | None, duration_s: float) -> None:
    """What it has written is no difference beside that."""
    failed = JobRun("migrate", exit_code, duration_s, ("no such table",))
    assert codes(MIGRATE, failed) == [("EP109", "job migrate")]


def test_a_job_is_a_trait() -> None:
    """Whole, as its file has it; the sequence is that of the files."""
    first, other = Job(("migrate",)), Job(("migrate", "--fake"), timeout_s=5)
    passing, failing = Environment("a", jobs={"m": first}), Environment("b", jobs={"m": other, "seed": first})
    traits = differences(passing, failing)
    assert [str(trait) for trait in traits] == ["job m: migrate --fake", "job seed: migrate"]
    assert mix(passing, failing, traits).jobs == failing.jobs
    assert [str(trait) for trait in differences(failing, Environment("c", jobs={"m": other}))] == ["no job seed"]


def test_a_file_has_jobs(tmp_path: Path) -> None:
    """A port in the command of one is a mistake: it listens nowhere."""
    path = tmp_path / "a.toml"
    path.write_text('name = "a"\n[jobs.m]\ncommand = ["migrate", "head"]\nbefore = "backend"\nagain = true\n')
    environment, mistakes = load_environment(path)
    assert environment is not None, mistakes
    assert environment.jobs == {"m": Job(("migrate", "head"), again=True)}
    path.write_text('name = "a"\n[jobs.m]\ncommand = ["migrate", "{port}"]\nbefore = "later"\n')
    _, mistakes = load_environment(path)
    assert {(mistake.line, mistake.key) for mistake in mistakes} == {(3, "jobs.m.command[1]"), (4, "jobs.m.before")}
