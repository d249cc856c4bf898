"""Runs by code: small recorded observations, judged by the real judge, as a run saves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from envparity.engine.events import CaseObserved, Event, OrderBooted, OrdersPlanned, RunFinished, RunStarted
from envparity.judge import RULES, judge
from envparity.judge.finding import Verdict
from envparity.model.environment import Dependency, Environment, FromSource, Ingress, Platform, SecretOf
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.report.saved import SavedProject, SavedRun, saved_project
from tests.envparity.judge.builders import (
    BACKEND,
    WELCOME,
    close,
    failed,
    handshake,
    observation,
    received,
    refused,
    replica,
    transcript,
)

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m'\"&\u202egnp.exe\u2028]]>"
LOCAL = Environment(name="local", settings={"LIMIT": "30", "KEY": SecretOf(32)})
STAGING = Environment(
    name="staging",
    settings={"LIMIT": "30", "KEY": SecretOf(32), "URL": FromSource("postgres.url")},
    platform=Platform(cpus=1, memory_mib=512),
    ingress=Ingress(kind="nginx", tls=True, host="api.example"),
    dependencies={"postgres": Dependency("postgres", tls="require")},
)
PROJECT = Project(BACKEND, {"local": LOCAL, "staging": STAGING}, "2025-09-08")
OTHER_WELCOME = replace(received(WELCOME | {"limits": {"per_minute": 10}}), violations=("limits: too few",))


def events_of(observations: Sequence[Observation], project: Project = PROJECT) -> list[Event]:
    """What a run over these observations emits."""
    judgement = judge(project, observations)
    names = tuple(project.environments)
    verdict = Verdict(
        run_id="0a1b2c3d",
        launcher="container",
        cannot_check=(),
        environments=names,
        cases=len(observations),
        scenarios=sum(len(observation.transcripts) for observation in observations),
        rules=len(RULES),
        findings=judgement.findings,
        exemptions=judgement.exemptions,
        duration_s=12.5,
    )
    started = RunStarted("0a1b2c3d", "container", (), project.backend.name, names, len(observations), 2, len(RULES))
    observed = [CaseObserved(observation.case.id, observation, 0, 1.0) for observation in observations]
    return [started, *observed, RunFinished(verdict)]


def described(project: Project = PROJECT, folder: Path = Path("nowhere")) -> SavedProject:
    """What the run was about, at a moment that stays."""
    return replace(saved_project(project, folder), began="2025-09-08T01:17:51+00:00")


def run_of(*observations: Observation, project: Project = PROJECT) -> SavedRun:
    run = SavedRun.of(described(project), events_of(observations, project))
    assert run is not None
    return run


def clean_run() -> SavedRun:
    """Two environments that behave the same."""
    return run_of(observation("local"), observation("staging"))


def startup_run(description: str = "made at import") -> SavedRun:
    """Startup fails everywhere, as in the incident: one finding."""
    failure = {"code": "FACTORY", "component": "auth", "description": description, "action": "make it later"}
    bad = replica(failed(failure), log=(description,))
    return run_of(*(observation(name, bad, transcripts=(refused(),)) for name in PROJECT.environments))


def apart_run() -> SavedRun:
    """The same scenario goes on with another limit in staging."""
    other = transcript(handshake(), OTHER_WELCOME, received({"type": "pong"}), close(by="client"))
    return run_of(observation("local"), observation("staging", transcripts=(other,)))


def orders_run() -> SavedRun:
    """With a part about orders."""
    run = clean_run()
    verdict = replace(run.verdict, coverage=("staging: 17 orders of strength 3, which cover 5,814 of 5,814",))
    planned = (OrdersPlanned("staging", "staging", "17 orders", 17, 5814, 5814),)
    booted = tuple(OrderBooted("staging", f"staging-{n}", n, 17, "pass" if n else "fail") for n in range(17))
    return replace(run, verdict=verdict, planned=planned, booted=booted)
