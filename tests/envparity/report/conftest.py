"""A red verdict and a clean one, with everything in them that a writer has to show."""

from __future__ import annotations

import msgspec
import pytest

from envparity.judge.cause import TraitsCause
from envparity.judge.evidence import Note, StartupFailed
from envparity.judge.finding import Finding, UsedDeclaration, Verdict

STARTUP = Finding(
    code="EP101",
    title="startup validation failed",
    where="websocket_manager_factory",
    expected="0 critical failures",
    got="1 critical failure: websocket.import_time_manager",
    environments=("staging", "production"),
    cases=("staging", "production"),
    component="websocket_manager_factory",
    evidence=(
        StartupFailed(
            "WebSocket manager creation requires valid UserExecutionContext. Import-time initialization is prohibited.",
            "websocket.import_time_manager",
        ),
        Note(
            "client was told: \x1b[31merror\x1b[0m websocket.import_time_manager, then close 1013 "
            "startup_failed:websocket_manager_factory"
        ),
    ),
    action="Make the manager per connection; ask the factory, do not call it.",
    cause=TraitsCause((("STARTUP_VALIDATION=strict",),)),
    replay="envparity run --environment local,staging,production --only 'conversation[subprotocol]' --only 'refus*'",
)
CLOSE = Finding(
    code="EP403",
    title="close differs",
    where="refusal-expired",
    expected="1008 token_expired",
    got="1011",
    environments=("staging",),
    cases=("staging-1a2b3c",),
    scenario="refusal-expired",
    replay="envparity run --environment local,staging --only refusal-expired",
)
EXEMPTION = UsedDeclaration(
    environment="staging",
    path="report.settings.LOG_FORMAT.value",
    reason="The platform collects logs as JSON, and a developer reads them in the console.",
    covered=("report.settings.LOG_FORMAT.value",),
)
GLOB = UsedDeclaration(
    environment="production", path="report.settings.WEBSOCKET_*.value", reason="Measured.", covered=("a", "b")
)


@pytest.fixture
def red() -> Verdict:
    return Verdict(
        run_id="3f2a9c01",
        launcher="container",
        cannot_check=(),
        environments=("local", "staging", "production"),
        cases=9,
        scenarios=41,
        rules=22,
        findings=(STARTUP, CLOSE),
        exemptions=(msgspec.structs.replace(EXEMPTION, environment="production"), GLOB, EXEMPTION),
        duration_s=48.23,
    )


@pytest.fixture
def clean(red: Verdict) -> Verdict:
    return msgspec.structs.replace(red, findings=(), exemptions=(), cannot_check=("memory limits", "the TLS ingress"))
