"""Startup validation passes in every environment, and says the same in all of them."""

from __future__ import annotations

from typing import Any

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.observe.record import StartupReport

pytestmark = pytest.mark.parity("conversation*")

COMPONENTS = {
    "settings", "telemetry", "postgres", "schema", "redis", "token_revocation", "auth_service", "user_context_factory",
    "websocket_manager_factory", "event_bus", "thread_service", "tool_registry", "agent_registry", "agent_supervisor",
    "message_router", "agent_websocket_bridge", "message_handlers", "heartbeat", "connection_limits",
    "startup_validation",
}  # fmt: skip
REPLICAS = {"local": 1, "staging": 1, "production": 2}


def reports(parity: ParityRun, environment: str) -> list[StartupReport]:
    """The startup report of every replica."""
    found = [replica.startup for replica in parity.observation(environment).replicas]
    assert None not in found, f"a replica in {environment} served no startup report"
    return [report for report in found if report is not None]


def test_there_are_three_environments(parity: ParityRun) -> None:
    """Local, staging and production were all booted, with the replicas that they have."""
    assert {name: len(observation.replicas) for name, observation in parity.observations().items()} == REPLICAS


def test_zero_critical_failures(parity: ParityRun, environment: str) -> None:
    """Startup validation completes with 0 critical failures on every replica."""
    for report in reports(parity, environment):
        assert report.status == "pass"
        assert report.failures == ()
        assert [check.name for check in report.checks if check.status != "pass"] == []
        assert sum(check.critical for check in report.checks) > 0


def test_every_component_started(parity: ParityRun, environment: str) -> None:
    """All twenty steps ran and passed, none before what it requires."""
    for report in reports(parity, environment):
        assert {step.name: step.outcome for step in report.steps} == dict.fromkeys(COMPONENTS, "passed")
        assert sorted(report.order) == sorted(COMPONENTS)
        place = {name: index for index, name in enumerate(report.order)}
        assert [
            step.name for step in report.steps for earlier in step.requires if place[earlier] > place[step.name]
        ] == []


def test_validation_looks_at_the_same_things_everywhere(parity: ParityRun) -> None:
    """Same components, same checks, same strictness: no environment validates less than another."""

    def looked_at(report: StartupReport) -> dict[str, Any]:
        return {
            "order": report.order,
            "steps": [(step.name, step.requires, step.outcome) for step in report.steps],
            "checks": [(check.component, check.name, check.critical, check.status) for check in report.checks],
        }

    seen = {
        f"{name} {index}": looked_at(report)
        for name in parity.environments
        for index, report in enumerate(reports(parity, name))
    }
    assert len(seen) == sum(REPLICAS.values())
    assert [name for name, report in seen.items() if report != seen["local 0"]] == []


def test_the_report_is_identical_but_for_declared_differences(parity: ParityRun) -> None:
    """The whole normalised report, settings included: what differs undeclared is a finding."""
    parity.assert_holds(codes=("EP201", "EP202", "EP203"))


def test_health_agrees_with_the_report(parity: ParityRun, environment: str) -> None:
    """Live, ready and startup answer 200 when startup has passed."""
    for replica in parity.observation(environment).replicas:
        assert replica.live is not None
        assert replica.ready is not None
        assert replica.startup is not None
        assert (replica.live.status, replica.ready.status, replica.startup.http_status) == (200, 200, 200)


def test_startup_kept_every_promise(parity: ParityRun) -> None:
    """No finding about startup, health or the backend's end, in any environment."""
    startup = ("EP101", "EP102", "EP103", "EP104", "EP105", "EP106", "EP107", "EP111", "EP112", "EP901")
    parity.assert_holds(codes=startup)
