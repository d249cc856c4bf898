"""A whole run whose engine dies or loses what it had: code 3, one sentence, and the verdict of what was seen so far."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from envparity.launch.cleanup.labels import RUN
from envparity.report.saved import read_run, saved_runs
from tests.envparity.running import MOMENT_S, TREE, Running, in_time_s
from tests.hostile.small_run import eventually
from tests.hostile.test_frozen_engine import ENGINE, Relay

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not ENGINE.startswith("unix://"), reason="the relay stands before a Unix socket"),
]

TEAHOUSE = TREE / "docs" / "examples" / "teahouse"


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    made = Relay(tmp_path / "docker.sock")
    yield made
    made.close()


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    made = docker.from_env()
    yield made
    made.close()


def begun(running: list[Running], tmp_path: Path) -> Running:
    """A run of the teahouse in containers, behind the relay."""
    asked = ("run", "--plain", "--launcher", "container", "--runs", str(tmp_path / "runs"))
    run = Running(TEAHOUSE, *asked, env={"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"})
    running.append(run)
    return run


def left_of(client: docker.DockerClient, run_id: str) -> list[str]:
    chosen = {"label": f"{RUN}={run_id}"}
    containers = [str(container["Id"]) for container in client.api.containers(all=True, filters=chosen)]
    return containers + [str(network["Name"]) for network in client.api.networks(filters=chosen)]


def removed(client: docker.DockerClient, run_id: str) -> None:
    """As `docker rm -f` of somebody else does."""
    for container in client.api.containers(all=True, filters={"label": f"{RUN}={run_id}"}):
        with suppress(docker.errors.APIError):
            client.api.remove_container(container["Id"], force=True, v=True)


def test_what_was_seen_before_the_engine_died_is_told_and_saved(
    client: docker.DockerClient, relay: Relay, running: list[Running], tmp_path: Path
) -> None:
    run = begun(running, tmp_path)
    run.until(r"[123] cases? left")
    relay.close()
    (tmp_path / "docker.sock").unlink()
    try:
        assert run.process.wait(MOMENT_S) == os.EX_OK + 3, str(run)
        run.until("BROKEN OFF: ")
        (saved,) = saved_runs(tmp_path / "runs")
        verdict = read_run(saved).verdict
        assert verdict.broken_off
        assert 0 < verdict.cases < verdict.planned
        assert str(run).count("envparity: ") == 1
        assert "Traceback" not in str(run)
        assert run.files == []
    finally:
        remains = left_of(client, run.run_id)
        if remains:
            removed(client, run.run_id)
            client.networks.prune(filters={"label": f"{RUN}={run.run_id}"})


def test_a_container_that_somebody_removes_is_no_finding(
    client: docker.DockerClient, relay: Relay, running: list[Running], tmp_path: Path
) -> None:
    """Once: the boot is made again. Always: code 3, and nothing is held against the backend."""
    run = begun(running, tmp_path)
    run.until(r"waits for \d+ scenarios")
    while run.process.poll() is None:
        removed(client, run.run_id)
    assert run.process.returncode == 3, str(run)
    assert "Traceback" not in str(run)
    eventually("nothing of it is left", lambda: not left_of(client, run.run_id), in_time_s())


def test_ctrl_c_is_heard_while_the_engine_does_not_answer(
    client: docker.DockerClient, relay: Relay, running: list[Running], tmp_path: Path
) -> None:
    """The run ends at once; its guard removes what is there when the engine answers again."""
    run = begun(running, tmp_path)
    run.until(r"waits for \d+ scenarios")
    relay.flows.clear()
    assert relay.asked.wait(MOMENT_S)
    assert run.end(signal.SIGINT) == 130, str(run)
    relay.flows.set()
    eventually("nothing of it is left", lambda: not left_of(client, run.run_id), 3 * in_time_s())
