"""Further programs of a backend: one that ended, one that is not there in its time, and one that is somewhere only."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.environment import load_environment
from envparity.isolate import differences, mix
from envparity.judge import judge
from envparity.model.backend import Backend
from envparity.model.case import Case
from envparity.model.environment import BesideProcess, DeclaredDifference, Environment
from envparity.model.project import Project
from envparity.observe.record import Observation, ProcessRun, Replica

RUNNING = ProcessRun("worker", None, 0.4, 30.0, ("worker: ready",))


def codes(*programs: ProcessRun | None, declared: str = "") -> list[tuple[str, str]]:
    """The findings of two environments, each of which has one of these programs, by code and place."""
    meant = (DeclaredDifference(declared, "meant"),) if declared else ()
    environments = {"local": Environment("local"), "staging": Environment("staging", differences=meant)}
    seen = [
        Observation(Case(name, "chat"), "process", "r", replicas=(Replica(0),), processes=(run,) if run else ())
        for name, run in zip(environments, programs, strict=True)
    ]
    verdict = judge(Project(Backend("chat", Path("backend.toml")), environments), seen)
    return [(finding.code, finding.where) for finding in verdict.findings]


def test_programs_that_run_are_no_difference() -> None:
    """Whenever each was there, and whatever it has written."""
    assert codes(RUNNING, ProcessRun("worker", None, 9.0, 30.0, ("another line",))) == []


def test_one_that_runs_in_one_environment_only_is_a_difference() -> None:
    """Which an environment may declare."""
    assert codes(RUNNING, None) == [("EP206", "processes.worker")]
    assert codes(RUNNING, None, declared="processes.worker") == []


@pytest.mark.parametrize("run", [ProcessRun("worker", 0, 0.1, 30.0), ProcessRun("worker", None, None, 30.0)])
def test_one_that_has_ended_or_is_not_there_is_a_finding(run: ProcessRun) -> None:
    """Whatever its exit code: it was to run on."""
    assert codes(RUNNING, run) == [("EP110", "process worker")]


def test_one_is_a_trait() -> None:
    """Whole, as its file has it."""
    first, other = BesideProcess(("work",)), BesideProcess(("work", "-q", "slow"))
    passing = Environment("a", processes={"worker": first, "beat": first})
    failing = Environment("b", processes={"worker": other})
    traits = differences(passing, failing)
    assert [str(trait) for trait in traits] == ["process worker: work -q slow", "no process beat"]
    assert mix(passing, failing, traits).processes == failing.processes
    assert mix(passing, failing, ()).processes == passing.processes


def test_a_file_says_them(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('name = "a"\n[processes.worker]\ncommand = ["work"]\nready = "ready"\nready_s = 5\n')
    environment, mistakes = load_environment(file)
    assert environment is not None
    assert (environment.processes, mistakes) == ({"worker": BesideProcess(("work",), "ready", 5.0)}, [])


def test_what_cannot_be_is_said_all_at_once(tmp_path: Path) -> None:
    """No port, for it is not known which would be its; no pattern that is none; no time to wait for nothing."""
    file = tmp_path / "a.toml"
    file.write_text(
        'name = "a"\n[processes.worker]\ncommand = ["work", "{port}"]\nready = "("\n'
        '[processes.beat]\ncommand = ["beat"]\nready_s = 5\n'
    )
    _, mistakes = load_environment(file)
    assert {mistake.key for mistake in mistakes} == {
        "processes.worker.command[1]",
        "processes.worker.ready",
        "processes.beat.ready_s",
    }
