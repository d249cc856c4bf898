"""Small observations to judge: two environments, one healthy boot, one conversation; each test breaks one thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from envparity.judge import Finding, Judgement, judge
from envparity.model.backend import Backend, ContractFile, ImageSource, ReportMapping
from envparity.model.case import Boot, Case
from envparity.model.environment import DeclaredDifference, Environment
from envparity.model.project import Project
from envparity.observe.frame import Frame, JsonFrame
from envparity.observe.record import HttpAnswer, Observation, Replica, SettingFingerprint, StartupReport
from envparity.observe.startup import read_report
from envparity.observe.transcript import (
    ConnectionClosed,
    ControlDone,
    DeadlinePassed,
    Departure,
    Event,
    FrameReceived,
    FrameSent,
    HandshakeAnswered,
    Transcript,
)

BACKEND = Backend(
    name="shop",
    file=Path("backend.toml"),
    image=ImageSource(name="shop"),
    contract=ContractFile(Path("asyncapi.yaml")),
    volatile=("run_id", "connection_id", "server_time"),
    startup_refusal="startup_failed:{component}",
)
DOWN = Boot(down=("postgres",))
STEADY = Boot()
WELCOME: dict[str, Any] = {"type": "connection_established", "user_id": "user-anna", "limits": {"per_minute": 30}}
FAILURE = {"code": "FACTORY", "component": "auth", "description": "made at import", "action": "make it later"}


def project(*environments: Environment | str, backend: Backend = BACKEND, today: str = "2025-09-08") -> Project:
    named = [
        Environment(name=environment) if isinstance(environment, str) else environment
        for environment in environments or ("local", "staging")
    ]
    return Project(backend, {environment.name: environment for environment in named}, today)


def allows(name: str, *paths: str, **options: Any) -> Environment:
    """An environment that declares differences at those paths."""
    return Environment(name=name, differences=tuple(DeclaredDifference(path, "meant", **options) for path in paths))


def document(**changes: Any) -> dict[str, Any]:
    """A startup report as served."""
    return {
        "status": "pass",
        "order": ["settings", "redis", "auth"],
        "steps": [
            {"name": "settings", "requires": [], "outcome": "passed", "started": "2025-09-08T01:17:51.000Z"},
            {"name": "redis", "requires": ["settings"], "outcome": "passed", "started": "2025-09-08T01:17:51.100Z"},
            {"name": "auth", "requires": ["redis"], "outcome": "passed", "started": "2025-09-08T01:17:51.200Z"},
        ],
        "checks": {"redis:tls": [{"component": "redis", "critical": True, "status": "pass", "observed": "off"}]},
        "failures": [],
        "settings": [{"name": "LIMIT", "source": "environment", "secret": False, "value": 30}],
    } | changes


def failed(*failures: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A report of a failed startup: step auth did not pass."""
    steps = document()["steps"]
    steps[2] = steps[2] | {"outcome": "failed"}
    return document(status="fail", steps=steps, failures=list(failures or (FAILURE,))) | changes


def report(served: Any, mapping: ReportMapping = BACKEND.report) -> StartupReport:
    passing = isinstance(served, dict) and served.get("status") == "pass"
    return read_report(served, mapping, http_status=200 if passing else 503)


def replica(served: Any = None, **changes: Any) -> Replica:
    """One replica whose health agrees with the report that it serves."""
    served = document() if served is None else served
    passing = isinstance(served, dict) and served.get("status") == "pass"
    whole = Replica(
        index=0,
        live=HttpAnswer("/health/live", 200),
        ready=HttpAnswer("/health/ready", 200 if passing else 503),
        startup=report(served),
        log=("last words",),
    )
    return replace(whole, **changes)


def handshake(status: int = 101, connection: str = "a", **changes: Any) -> HandshakeAnswered:
    return replace(HandshakeAnswered(0.1, connection, "accept", status, "v1", 0), **changes)


def received(frame: dict[str, Any] | Frame, connection: str = "a", **changes: Any) -> FrameReceived:
    frame = JsonFrame(frame) if isinstance(frame, dict) else frame
    return replace(FrameReceived(0.1, connection, "message", frame), **changes)


def sent(frame: dict[str, Any] | Frame, connection: str = "a", **changes: Any) -> FrameSent:
    frame = JsonFrame(frame) if isinstance(frame, dict) else frame
    return replace(FrameSent(0.1, connection, "message", frame), **changes)


def close(
    code: int = 1000, reason: str = "", by: Literal["client", "server"] = "server", connection: str = "a"
) -> ConnectionClosed:
    return ConnectionClosed(0.1, connection, "close", code, reason, by)


def timed_out(waited_for: str, timeout_s: float = 5.0, connection: str = "a") -> DeadlinePassed:
    return DeadlinePassed(0.1, connection, "message", waited_for, timeout_s)


def control(action: str, target: str = "a", **changes: Any) -> ControlDone:
    return replace(ControlDone(0.1, "a", "control", action, target), **changes)


def transcript(*entries: Event, scenario: str = "chat", **changes: Any) -> Transcript:
    """A conversation that keeps to its script; the usual entries where none are given."""
    usual = (handshake(), received(WELCOME), sent({"type": "ping"}), received({"type": "pong"}), close(by="client"))
    return replace(Transcript(scenario, "conversation", entries or usual), **changes)


def departed(kind: Any, *entries: Event, scenario: str = "chat", got: str = "nothing", **changes: Any) -> Transcript:
    """A conversation that left its script at step 2."""
    departure = Departure(1, kind, "connection_established", got, "a")
    return transcript(*(entries or (handshake(),)), scenario=scenario, departure=departure, **changes)


def refused(reason: str = "startup_failed:auth", code: int = 1013, *, error: bool = True, **changes: Any) -> Transcript:
    """What a client sees of a failed startup."""
    frame = [received({"type": "error", "code": "FACTORY", "message": "made at import"})] if error else []
    return departed("frame" if error else "close", handshake(), *frame, close(code, reason), **changes)


def observation(environment: str = "local", *replicas: Replica, boot: Boot = STEADY, **changes: Any) -> Observation:
    """One boot: healthy, with one conversation that kept to its script, unless said otherwise."""
    whole = Observation(
        case=Case(environment, "shop", boot),
        launcher="container",
        run_id="r1",
        replicas=replicas or (replica(),),
        settings=(SettingFingerprint("LIMIT", "environment file", "a1b2", "30"),),
        transcripts=(transcript(),),
    )
    return replace(whole, **changes)


def judged(*observations: Observation, of: Project | None = None) -> Judgement:
    return judge(of or project(), observations)


def codes(*observations: Observation, of: Project | None = None) -> list[str]:
    """The codes of all findings."""
    return [finding.code for finding in judged(*observations, of=of).findings]


def only(*observations: Observation, of: Project | None = None) -> Finding:
    """The one finding that there must be."""
    findings = judged(*observations, of=of).findings
    assert len(findings) == 1, [f"{finding.code} {finding.where}: {finding.got}" for finding in findings]
    return findings[0]
