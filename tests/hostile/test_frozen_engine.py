"""A container engine that does not answer when a run is killed: its guard waits, and cleans when it answers again."""

from __future__ import annotations

import os
import secrets
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from envparity.launch.cleanup.labels import RUN
from tests.envparity.running import TREE, in_time_s
from tests.hostile.small_run import eventually

pytestmark = pytest.mark.docker

ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
OWNER = """
import sys, docker
from envparity.launch.container.guard import ContainerGuard
from envparity.launch.cleanup.labels import labels_for
from envparity.launch.cleanup.run_folder import RunFolder
folder = RunFolder.make(sys.argv[1])
guard = ContainerGuard(sys.argv[1], folder)
labels = labels_for(sys.argv[1], "hostile", str(folder.owner))
docker.from_env().networks.create(f"envparity-{sys.argv[1]}", labels=labels)
print("there", flush=True)
sys.stdin.read()
"""
FROZEN_S = 12.0  # longer than a guard needs where the engine answers


class Relay:
    """A socket in front of the engine's that takes connections while it is frozen, and answers none."""

    def __init__(self, path: Path) -> None:
        self.flows = threading.Event()
        self.flows.set()
        self.asked = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            if select.select([self._listener], [], [], 0.1)[0]:
                client, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._carry, args=(client,)))
                self._threads[-1].start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(ENGINE.removeprefix("unix://"))
            others = {client: engine, engine: client}
            while not self._ended.is_set():
                for readable in select.select(list(others), [], [], 0.1)[0]:
                    if not self.flows.is_set():
                        self.asked.set()
                    while not self.flows.wait(0.1):
                        if self._ended.is_set():
                            return
                    try:
                        data = readable.recv(1 << 16)
                        if not data:
                            return
                        others[readable].sendall(data)
                    except OSError:  # whoever asked has given up
                        return

    def close(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    made = Relay(tmp_path / "docker.sock")
    yield made
    made.close()


@pytest.mark.skipif(not ENGINE.startswith("unix://"), reason="the relay stands before a Unix socket")
def test_a_guard_waits_for_an_engine_that_does_not_answer(relay: Relay, tmp_path: Path) -> None:
    """What it could not remove for longer than it needs otherwise is gone soon after the engine answers."""
    run_id = secrets.token_hex(4)
    environment = os.environ | {
        "DOCKER_HOST": f"unix://{tmp_path}/docker.sock",
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": str(TREE),
    }
    client = docker.from_env()

    def there() -> bool:
        return bool(client.api.networks(filters={"label": f"{RUN}={run_id}"}))

    try:
        with subprocess.Popen(
            [sys.executable, "-c", OWNER, run_id],
            env=environment,
            cwd=TREE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as owner:
            assert owner.stdout is not None
            assert owner.stdout.readline() == b"there\n"
            relay.flows.clear()
            owner.kill()
        assert relay.asked.wait(in_time_s()), "the guard has not asked the engine"
        threading.Event().wait(FROZEN_S)
        assert there()
        relay.flows.set()
        eventually("the network is gone", lambda: not there(), in_time_s() + FROZEN_S)
        eventually("the folder is gone", lambda: not list(tmp_path.glob("envparity-*")))
    finally:
        client.networks.prune(filters={"label": f"{RUN}={run_id}"})
        client.close()
