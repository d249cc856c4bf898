"""A backend's child that leaves all that its run knows it by ends with the run all the same, without control groups."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.envparity.running import MOMENT_S, Running, in_time_s
from tests.hostile.small_run import SLEEP, eventually

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's"),
]

BACKEND = f"""
name = "escaping"
startup_refusal = false
[process]
command = ["{sys.executable}", "server.py"]
[health]
live = "/live"
ready = false
startup = false
metrics = false
[[scenario]]
name = "hello"
steps = [{{ connect = "none" }}, {{ expect = "never", within_s = WITHIN }}]
"""
SERVER = f"""
import asyncio, os, resource
from websockets.asyncio.server import serve
def escape(seconds):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    if os.environ["LOWERS"] == "true":
        resource.setrlimit(10, (0, 0))  # RLIMIT_LOCKS
    os.execve("{SLEEP}", ["{SLEEP}", seconds], {{}})
async def talk(connection):
    await connection.wait_closed()
def answer(connection, request):
    if request.path == "/live":
        return connection.respond(200, "{{}}")
async def main():
    async with serve(talk, "127.0.0.1", int(os.environ["PORT"]), process_request=answer):
        await asyncio.Event().wait()
escape(os.environ["SECONDS"])
asyncio.run(main())
"""


FACES = {
    "the command line": ("run", "--plain", "--launcher", "process", "--no-causes"),
    "pytest": ("pytest", "-p", "no:cacheprovider", "--envparity-launcher", "process", "test_own.py"),
}
# A session of pytest may have children of its own, which are nobody else's to end: one that has left in the same way.
OWN = f"""
import os
def test_own(parity):
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        os.execve("{SLEEP}", ["{SLEEP}", "SECONDS"], {{}})
    os.wait()
    assert parity.observations()
"""


class Escaped:
    """A run whose backend has each of its boots leave behind a process that sleeps as long as no other does.

    Of a command line's it has lowered its limit of file locks too, so that nothing is left but that it is an orphan. A
    session of pytest has one like that of its own, which sleeps for `own`.
    """

    def __init__(self, folder: Path, within: str, face: str) -> None:
        self.seconds = f"4321.{time.time_ns() % 10**6:06}"
        (folder / "environments").mkdir()
        (folder / "backend.toml").write_text(BACKEND.replace("WITHIN", within), encoding="utf-8")
        (folder / "server.py").write_text(SERVER, encoding="utf-8")
        lowers = str(face == "the command line").lower()
        text = f'name = "near"\n[settings]\nSECONDS = "{self.seconds}"\nLOWERS = {lowers}\n'
        (folder / "environments" / "near.toml").write_text(text, encoding="utf-8")
        self.own = f"4322.{time.time_ns() % 10**6:06}"
        (folder / "test_own.py").write_text(OWN.replace("SECONDS", self.own), encoding="utf-8")
        self.run = Running(folder, *FACES[face], module="tests.hostile.without_groups")

    def sleeping(self, seconds: str = "") -> list[int]:
        """What it has left behind that still lives."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_text(errors="replace").split("\0")
            except OSError:  # it has ended just now
                continue
            if words[:2] == [SLEEP, seconds or self.seconds]:
                found.append(int(process.name))
        return found

    def own_lives_on(self) -> None:
        """Nobody but the test takes it."""
        (pid,) = self.sleeping(self.own)
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("face", FACES)
def test_what_has_escaped_ends_with_a_run_that_comes_to_its_end(
    tmp_path: Path, running: list[Running], face: str
) -> None:
    escaped = Escaped(tmp_path, "1", face)
    running.append(escaped.run)
    escaped.run.until("hello left its script")
    assert escaped.sleeping()
    assert escaped.run.process.wait(MOMENT_S) == 1, str(escaped.run)
    assert escaped.sleeping() == []
    assert escaped.run.files == []
    if face == "pytest":
        escaped.own_lives_on()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_what_has_escaped_ends_with_a_run_that_a_signal_ends(
    tmp_path: Path, running: list[Running], number: signal.Signals, face: str
) -> None:
    """Where that leaves the run no time, its guard knows it."""
    escaped = Escaped(tmp_path, "2", face)
    running.append(escaped.run)
    escaped.run.until("once more, alone")
    assert escaped.sleeping()
    escaped.run.end(number)
    eventually(f"left: {escaped.sleeping()}", lambda: not escaped.sleeping(), in_time_s())
    eventually("nothing of it is left", lambda: not escaped.run.files, in_time_s())
    if face == "pytest":
        escaped.own_lives_on()
