"""A living run is left alone by whoever sweeps from another PID namespace, where its number is another's."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from envparity.launch.cleanup.labels import RUN
from tests.envparity.running import TREE, in_time_s
from tests.hostile.conftest import StartRun
from tests.hostile.small_run import eventually, swept

UNSHARED = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def _can_unshare() -> bool:
    try:
        return subprocess.run([*UNSHARED, "true"], capture_output=True, check=False, timeout=300).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


pytestmark = pytest.mark.skipif(not _can_unshare(), reason="this user can make no PID namespace here")
NOTHING = "0 leftovers removed"


@pytest.mark.processes
def test_a_living_run_of_processes_is_left_alone_from_another_namespace(start_run: StartRun, place: Path) -> None:
    run = start_run()
    whole = run.left()
    assert swept(place, UNSHARED).strip() == NOTHING
    assert run.left() == whole


@pytest.mark.processes
def test_a_living_run_of_another_namespace_is_left_alone(start_run: StartRun, place: Path) -> None:
    """Its number there is small, and here that of a process that has nothing to do with it."""
    run = start_run(before=UNSHARED)
    assert swept(place).strip() == NOTHING
    assert run.folder.exists()
    assert run.sleeps()


@pytest.mark.processes
def test_a_dead_run_is_swept_from_another_namespace(start_run: StartRun, place: Path) -> None:
    """Nobody holds its lock, and that is seen from everywhere."""
    run = start_run()
    run.kill(guard=True)
    assert run.folder.name in swept(place, UNSHARED)
    eventually(f"left: {run.left()}", lambda: not run.left())


OWNER = """
import sys, docker
from envparity.launch.cleanup.labels import labels_for
from envparity.launch.cleanup.run_folder import RunFolder
folder = RunFolder.make(sys.argv[1])
labels = labels_for(sys.argv[1], "hostile", str(folder.owner))
client = docker.from_env()
client.networks.create(f"envparity-{sys.argv[1]}", labels=labels)
print("there", flush=True)
sys.stdin.read()
"""
ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")


class _Network:
    """A network of a run that stands in a process of its own, without a guard."""

    def __init__(self, place: Path, before: tuple[str, ...]) -> None:
        self.run_id = secrets.token_hex(4)
        environment = os.environ | {"TMPDIR": str(place), "PYTHONPATH": str(TREE)}
        command = [*before, sys.executable, "-c", OWNER, self.run_id]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, cwd=TREE, **pipes)  # type: ignore[call-overload]
        assert self.process.stdout.readline() == b"there\n"

    @property
    def there(self) -> bool:
        client = docker.from_env()
        try:
            return bool(client.api.networks(filters={"label": f"{RUN}={self.run_id}"}))
        finally:
            client.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(in_time_s())
        self.process.stdin.close()
        self.process.stdout.close()

    def remove(self) -> None:
        client = docker.from_env()
        try:
            client.networks.prune(filters={"label": f"{RUN}={self.run_id}"})
        finally:
            client.close()


@pytest.fixture(params=["the sweep's", "the run's"])
def network(request: pytest.FixtureRequest, place: Path) -> Iterator[tuple[_Network, tuple[str, ...]]]:
    """A run, and in which namespace a sweep of it begins: the other one."""
    inside = request.param == "the run's"
    made = _Network(place, UNSHARED if inside else ())
    yield made, () if inside else UNSHARED
    if made.process.poll() is None:
        made.kill()
    made.remove()


@pytest.mark.docker
def test_what_a_living_run_has_in_the_engine_is_left_alone(
    network: tuple[_Network, tuple[str, ...]], place: Path
) -> None:
    """Until it is dead, which is certain then: the lock of its folder is free."""
    run, before = network
    assert run.run_id not in swept(place, before, ENGINE)
    assert run.there
    run.kill()
    assert run.run_id in swept(place, before, ENGINE)
    assert not run.there


@pytest.mark.docker
def test_nothing_is_claimed_where_the_lock_cannot_be_seen(
    network: tuple[_Network, tuple[str, ...]], place: Path
) -> None:
    """From another namespace that has other temporary files: a container with the engine's socket in it."""
    run, before = network
    hidden = place.with_name(f"{place.name}-hidden")
    place.rename(hidden)
    try:
        assert run.run_id not in swept(hidden.parent, before, ENGINE)
        assert run.there
    finally:
        hidden.rename(place)
