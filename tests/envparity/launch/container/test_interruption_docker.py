"""Ctrl-C and SIGTERM at any moment of a real run: nothing of it is left, and the exit code says what ended it."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from envparity.launch.cleanup.labels import RUN
from tests.envparity.running import MOMENT_S, TREE, Running, in_time_s

pytestmark = pytest.mark.docker

TEAHOUSE = TREE / "docs" / "examples" / "teahouse"


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    made = docker.from_env()
    yield made
    made.close()


def left_of(client: docker.DockerClient, run_id: str) -> list[str]:
    """The containers and networks of that run."""
    chosen = {"label": f"{RUN}={run_id}"}
    containers = [str(container["Names"]) for container in client.api.containers(all=True, filters=chosen)]
    return containers + [str(network["Name"]) for network in client.api.networks(filters=chosen)]


MOMENTS = {
    "network": "waits for a network",
    "containers": "waits for its dependencies to answer",
    "backend": "waits for the backend to start",
    "startup": "waits for startup to pass or fail",
    "scenarios": r"waits for \d+ scenarios",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_stopped_leaves_nothing(
    client: docker.DockerClient, running: list[Running], moment: str, number: signal.Signals
) -> None:
    """Whenever it happens: no container, no network, no child process, and 128 plus the signal's number."""
    run = Running(TEAHOUSE, "run", "--plain", "--only", "conversation")
    running.append(run)
    run.until(MOMENTS[moment])
    assert run.end(number) == 128 + number, str(run)
    assert left_of(client, run.run_id) == []
    assert run.children() == []
    assert run.files == []
    assert f"interrupted by {number.name}; everything that was started is gone" in str(run)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, int(pytest.ExitCode.INTERRUPTED)), (signal.SIGTERM, 143)])
def test_a_suite_that_is_stopped_leaves_nothing(
    client: docker.DockerClient, running: list[Running], number: signal.Signals, code: int
) -> None:
    """The pytest face, which says 2 for Ctrl-C as pytest does.

    Without the plugin of Hypothesis, which at the end of a session imports all of that, for seconds of the processor.
    """
    without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    run = Running(TEAHOUSE, *without, "--pyargs", "envparity.suite", module="pytest")
    running.append(run)
    run.until(MOMENTS["startup"])
    assert run.end(number) == code, str(run)
    assert left_of(client, run.run_id) == []
    assert run.children() == []
    assert run.files == []


def test_a_second_ctrl_c_does_not_cut_the_cleaning_short(client: docker.DockerClient, running: list[Running]) -> None:
    """People press it twice, and programs that run this one send it again."""
    run = Running(TEAHOUSE, "run", "--plain", "--only", "conversation")
    running.append(run)
    run.until(MOMENTS["startup"])
    run.process.send_signal(signal.SIGINT)
    run.process.send_signal(signal.SIGTERM)
    assert run.end(signal.SIGINT) in {130, 143}, f"whichever the system delivers first\n{run}"
    assert left_of(client, run.run_id) == []


def test_warm_boots_that_are_stopped_leave_nothing(client: docker.DockerClient, running: list[Running]) -> None:
    """In the middle of many orders in a container of their own."""
    arguments = ("run", "--plain", "--environment", "local", "--only", "no_subprotocol_offered", "--orders", "3")
    run = Running(TREE, *arguments)
    running.append(run)
    run.until(r"10 of \d+ orders booted")
    assert run.end(signal.SIGINT) == 130, str(run)
    assert left_of(client, run.run_id) == []
    assert run.children() == []
    assert run.files == []


@pytest.mark.parametrize("command", ["run", "images"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_build_that_is_interrupted_is_given_up(
    client: docker.DockerClient, running: list[Running], tmp_path: Path, command: str, number: signal.Signals
) -> None:
    """At once, although the step that runs says nothing for a minute; the engine removes the step's container."""
    folder = tmp_path / "teahouse"
    shutil.copytree(TEAHOUSE, folder)
    sleep = f"sleep 60.{time.time_ns()}"
    (folder / "Dockerfile").write_text(f"FROM debian:bookworm-slim\nCOPY server.js /\nRUN {sleep}\n", encoding="utf-8")

    def steps() -> list[str]:
        return [container["Id"] for container in client.api.containers(all=True) if sleep in container["Command"]]

    run = Running(folder, command, *(["--plain"] if command == "run" else []))
    running.append(run)
    run.until("building envparity/backend")
    deadline = time.monotonic() + MOMENT_S
    while not steps():
        assert time.monotonic() < deadline, f"the build never came to its silent step\n{run}"
        threading.Event().wait(0.05)
    assert run.end(number) == 128 + number, str(run)
    assert run.children() == []
    assert run.files == []
    deadline = time.monotonic() + in_time_s()
    while steps():
        assert time.monotonic() < deadline, "the engine kept the container of a step that nobody waits for"
        threading.Event().wait(0.1)


def test_what_a_killed_run_left_is_removed_by_the_next(client: docker.DockerClient, running: list[Running]) -> None:
    """SIGKILL leaves no time to clean; the next run does, for it sees that the owner is dead."""
    killed = Running(TEAHOUSE, "run", "--plain", "--only", "conversation")
    running.append(killed)
    killed.until(MOMENTS["startup"])
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    following = Running(TEAHOUSE, "run", "--plain", "--environment", "laptop", "--only", "no_token")
    running.append(following)
    assert following.process.wait(MOMENT_S) == 0, str(following)
    assert left_of(client, killed.run_id) == []
    assert left_of(client, following.run_id) == []
