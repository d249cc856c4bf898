"""How the backend starts, and what it says when it cannot; with real servers, late ones, and none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus

from tests.netra_backend.running import SECRET, BackendProcess, talk, token
from tests.servers import free_port, redis_server, redis_url_of

pytestmark = pytest.mark.processes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.netra_backend.conftest import Start

STEPS = [
    "settings", "telemetry", "postgres", "schema", "redis", "token_revocation", "auth_service", "user_context_factory",
    "websocket_manager_factory", "event_bus", "thread_service", "tool_registry", "agent_registry", "agent_supervisor",
    "message_router", "agent_websocket_bridge", "message_handlers", "heartbeat", "connection_limits",
    "startup_validation",
]  # fmt: skip


def test_the_report_of_a_good_start_is_complete(backend: BackendProcess) -> None:
    """Every step passed at the first attempt, every check passed, nothing failed; no request-scoped object was made."""
    status, report = backend.get("/health/startup")
    assert (status, report["status"], report["failures"]) == (200, "pass", [])
    assert report["order"] == STEPS == [step["name"] for step in report["steps"]]
    assert {(step["outcome"], step["attempts"], step["waited_for"]) for step in report["steps"]} == {
        ("passed", 1, None)
    }
    assert {check["status"] for held in report["checks"].values() for check in held} == {"pass"}
    assert {check["component"] for held in report["checks"].values() for check in held} == set(STEPS) - {
        "startup_validation"
    }
    for factory in ("user_context_factory", "websocket_manager_factory"):
        assert report["checks"][f"{factory}:request_scoped_instances_made"][0]["observed"] == 0
    assert report["steps"][-1]["requires"] == STEPS[:-1]
    secrets = {held["name"]: held["value"] for held in report["settings"] if held["secret"]}
    assert secrets == {"DATABASE_URL": None, "REDIS_URL": None, "JWT_SECRET": None}


def test_an_order_is_run_as_asked_for(start: Start) -> None:
    """STARTUP_ORDER is honoured; what it leaves open follows canonically."""
    report = start(STARTUP_ORDER="message_router, heartbeat").until_started()
    assert report["status"] == "pass"
    assert report["order"][:2] == ["settings", "message_router"]
    assert report["order"].index("heartbeat") == 7
    assert sorted(report["order"]) == sorted(STEPS)


async def test_an_order_that_the_graph_forbids_is_refused(start: Start) -> None:
    """The pair is named, nothing is run, and clients are told; an order that is refused is no reason to go away."""
    backend = start(STARTUP_ORDER="schema,postgres")
    report = backend.until_started()
    assert (report["status"], report["order"]) == ("fail", [])
    assert {step["outcome"] for step in report["steps"]} == {"skipped"}
    (failure,) = report["failures"]
    assert (failure["code"], failure["component"]) == ("ORDER_REFUSED", "startup_order")
    assert "'schema' before 'postgres'" in failure["description"]
    async with talk(backend) as talking:
        assert (await talking.hear())["component"] == "startup_order"
        assert await talking.hear_close() == (1013, "startup_failed:startup_order")


async def test_all_mistakes_in_the_settings_are_served_by_name(start: Start) -> None:
    """The process stays up, lists every mistake, skips what depends on the settings, and tells the clients."""
    weak = "short-but-secret"
    backend = start(
        ENVIRONMENT=None, JWT_SECRET=weak, REDIS_URL=" redis://127.0.0.1 ", WEBSOCKET_MAX_MESSAGE_BYTES="big"
    )
    report = backend.until_started()
    named = {failure["description"].partition(" ")[0] for failure in report["failures"]}
    assert named == {"ENVIRONMENT", "JWT_SECRET", "REDIS_URL", "WEBSOCKET_MAX_MESSAGE_BYTES"}
    assert {failure["code"] for failure in report["failures"]} == {"SETTINGS_INVALID"}
    assert [step["outcome"] for step in report["steps"]] == ["failed"] + ["skipped"] * 19
    assert weak not in json.dumps(report) + backend.log
    assert (backend.get("/health/live")[0], backend.get("/health/ready")[0]) == (200, 503)
    async with talk(backend, origin="https://evil.example") as talking:  # nobody knows which are allowed
        error = await talking.hear()
        assert (error["code"], error["component"]) == ("startup_failed", "settings")
        assert await talking.hear_close() == (1013, "startup_failed:settings")


def test_a_port_that_cannot_be_read_ends_the_process(settings: dict[str, str], tmp_path: Path) -> None:
    """Exit status 2 and every mistake: nothing could be served."""
    backend = BackendProcess({**settings, "PORT": "http"}, tmp_path / "log")
    with pytest.raises(AssertionError, match="ended with 2"):
        backend.start()
    assert "PORT is wrong" in backend.log


async def test_a_dependency_that_is_absent_fails_its_step_by_name(start: Start) -> None:
    """PostgreSQL is not there: its step fails at the deadline, what requires it is skipped, the rest still runs."""
    url = f"postgresql://netra:{SECRET}@127.0.0.1:{free_port()}/postgres"
    backend = start(DATABASE_URL=url, STARTUP_STEP_TIMEOUT_S="0.6")
    async with talk(backend) as early:
        assert (await early.hear())["code"] == "starting"
        assert await early.hear_close() == (1013, "starting")
    with pytest.raises(InvalidStatus):  # the Origin comes first, also while starting
        async with talk(backend, origin="https://evil.example"):
            pass
    assert backend.get("/health/ready")[0] == 503
    report = backend.until_started()
    steps = {step["name"]: step for step in report["steps"]}
    assert steps["postgres"]["outcome"] == "failed"
    assert steps["postgres"]["attempts"] > 1
    assert steps["postgres"]["waited_for"] == "postgres"
    assert 600 <= steps["postgres"]["duration_ms"] + 50 < 10_000  # 15 s where nothing is said
    assert steps["schema"]["outcome"] == steps["startup_validation"]["outcome"] == "skipped"
    assert steps["heartbeat"]["outcome"] == steps["message_router"]["outcome"] == "passed"
    (failure,) = report["failures"]
    assert (failure["code"], failure["component"]) == ("DEPENDENCY_UNREACHABLE", "postgres")
    assert backend.get("/health/live")[0] == 200
    status, body = backend.get("/health/ready")
    assert (status, body["failures"][0]["component"]) == (503, "postgres")
    async with talk(backend, token(), welcomed=False) as talking:
        error = await talking.hear()
        assert (error["code"], error["component"], error["retryable"]) == ("startup_failed", "postgres", True)
        assert await talking.hear_close() == (1013, "startup_failed:postgres")
    assert backend.metric("netra_startup_failures_total", component="postgres", code="DEPENDENCY_UNREACHABLE") == 1
    (line,) = backend.logged("CRITICAL STARTUP VALIDATION FAILURES DETECTED")
    assert (line["component"], line["level"]) == ("postgres", "critical")
    assert SECRET not in json.dumps(report) + backend.log


@pytest.mark.parametrize(
    ("changed", "component"),
    [
        ({"DATABASE_URL": "{postgres}?sslmode=require"}, "postgres"),
        ({"DATABASE_URL": "{wrong_password}"}, "postgres"),
    ],
)
def test_a_dependency_that_refuses_is_not_waited_for(
    start: Start, postgres_url: str, changed: dict[str, str], component: str
) -> None:
    """A wrong password, or TLS where there is none: said at once, because waiting does not help."""
    wrong = postgres_url.replace("made-up-for-tests", "not-the-password")
    known = {"postgres": postgres_url, "wrong_password": wrong}
    backend = start(**{name: value.format(**known) for name, value in changed.items()})
    report = backend.until_started()
    (failure,) = report["failures"]
    assert (failure["code"], failure["component"]) == ("DEPENDENCY_REFUSED", component)
    assert next(step["attempts"] for step in report["steps"] if step["name"] == component) == 1
    assert "not-the-password" not in json.dumps(report) + backend.log


def test_a_dependency_that_is_late_is_waited_for(start: Start, server_folder: Path) -> None:
    """Redis comes after the backend: the step says what it waited for, and the start is good."""
    late = redis_server(server_folder)
    backend = start(REDIS_URL=redis_url_of(late))
    backend.until_waiting_for("redis")
    assert backend.get("/health/startup")[1]["status"] == "starting"
    late.start()
    try:
        report = backend.until_started()
    finally:
        late.end()
    step = next(step for step in report["steps"] if step["name"] == "redis")
    assert (report["status"], step["outcome"], step["waited_for"]) == ("pass", "passed", "redis")
    assert step["attempts"] > 1


def test_two_replicas_that_start_together_both_start(replicas: tuple[BackendProcess, BackendProcess]) -> None:
    """Both find an empty database at the same moment; the schema is made once."""
    assert [replica.until_started()["failures"] for replica in replicas] == [[], []]
