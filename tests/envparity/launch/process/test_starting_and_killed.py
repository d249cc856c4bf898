"""A replica that waits for a dependency which says nothing, and one that is killed and has its disk again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from envparity.config.project import load_project
from envparity.launch.process.kind import process_launcher
from envparity.launch.process.stack import ProcessStack
from envparity.model.case import Boot

pytestmark = pytest.mark.processes

BACKEND = """
name = "asks"
websocket_path = "/ws"
[health]
live = false
ready = false
startup = false
metrics = false
[process]
command = ["python3", "backend.py"]
[[scenario]]
name = "conversation"
steps = [{ connect = "none" }]
"""
LOCAL = """
name = "local"
[settings]
HOST = { from = "cache.host" }
CACHE_PORT = { from = "cache.port" }
PASSWORD = { from = "cache.password" }
PORT = { from = "platform.port" }
[dependencies.cache]
kind = "redis"
"""
PROGRAM = """
import os, pathlib, socket
left = pathlib.Path(os.environ["TMPDIR"], "left")
with left.open("a") as file:
    print(os.getpid(), file=file)
cache = socket.create_connection((os.environ["HOST"], int(os.environ["CACHE_PORT"])))
cache.sendall(b"PING\\r\\n")
cache.recv(1)
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    listener.accept()
"""


def noted_in(left: Path) -> list[str]:
    return left.read_text(encoding="utf-8").split()


@asynccontextmanager
async def booted(folder: Path, boot: Boot) -> AsyncIterator[ProcessStack]:
    """A backend that asks its cache, listens then, and notes in its folder for temporary files that it was there."""
    for name, text in (("backend.toml", BACKEND), ("local.toml", LOCAL), ("backend.py", PROGRAM)):
        (folder / name).write_text(text, encoding="utf-8")
    project = load_project(folder / "backend.toml", [folder / "local.toml"])
    launcher = process_launcher(project)
    try:
        async with launcher.boot(project.environments["local"], boot, lambda _: None) as stack:
            assert isinstance(stack, ProcessStack)
            yield stack
    finally:
        await launcher.close()


async def test_who_waits_for_a_silent_dependency_is_known_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    """It has connected, which the proxy notes with the replica that it is; and it does not listen yet."""
    async with booted(tmp_path, Boot(silent_start=("cache",))) as stack, asyncio.timeout(30):
        while [attempt.replica for outage in stack.outages("cache") for attempt in outage.attempts] != [0]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert (await stack.observe_replica(0)).listening is False
        await stack.restore_dependency("cache")
        await stack.stop_replica(0)  # what was silent stays so
        await stack.start_replica(0)
        assert (await stack.observe_replica(0)).listening is True


async def test_a_killed_replica_has_its_disk_again(tmp_path: Path) -> None:
    """As one that its platform restarts: what a clean end would have removed is there."""
    async with booted(tmp_path, Boot()) as stack:
        await stack.until_ready()
        first = stack.replicas[0].child.pid
        left = Path(stack.replicas[0].child.program.environment["TMPDIR"], "left")
        await stack.kill_replica(0)
        assert (await stack.observe_replica(0)).exit_code == 137
        await stack.start_replica(0)
        assert noted_in(left) == [str(first), str(stack.replicas[0].child.pid)]
