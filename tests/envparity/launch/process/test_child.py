"""A child process: what it is given, how it ends, and that nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from envparity.errors import LaunchError
from envparity.launch.cleanup.cleaning import end_processes, processes
from envparity.launch.cleanup.leftovers import MARK
from envparity.launch.clocks import faketime_library
from envparity.launch.process.child import Child, Program
from envparity.launch.process.held_port import HeldPort
from tests.hostile.small_run import eventually

LONG_S = 30.0
Start = Callable[[str], Child]
HEEDLESS = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def until_ended(child: Child) -> None:
    deadline = time.monotonic() + LONG_S
    while child.exit_code is None:
        assert time.monotonic() < deadline, "it has not ended"
        time.sleep(0.01)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """A child that runs that Python, and has said "ready" or ended when this returns."""

    def start_one(script: str) -> Child:
        waits = "print('ready', flush=True); import time; time.sleep(60)"
        argv = [sys.executable, "-I", "-S", "-c", f"{script}\n{waits}"]
        child = Child(Program(argv, {"ONLY": "this"}, tmp_path, tmp_path / "log"))
        child.start()
        while "ready" not in child.log_tail(5) and child.exit_code is None:
            pass
        return child

    return start_one


async def test_one_that_heeds_sigterm_ends_as_an_engine_says_it(start: Start) -> None:
    """128 plus the signal, and before that nothing."""
    child = start("")
    assert child.exit_code is None
    await child.stop(signal.SIGTERM, LONG_S)
    assert child.exit_code == 128 + signal.SIGTERM


async def test_one_that_does_not_is_killed_when_its_grace_is_over(start: Start) -> None:
    """137."""
    child = start(HEEDLESS)
    await child.stop(signal.SIGTERM, 0.05)
    assert child.exit_code == 128 + signal.SIGKILL


async def test_what_it_has_started_ends_with_it(start: Start) -> None:
    """As in a container, whoever is left in its process group goes: the pipe that it holds is closed."""
    listener = socket.create_server(("127.0.0.1", 0))
    with closing(listener):
        port = listener.getsockname()[1]
        script = (
            f"import os, socket, time\nif os.fork() == 0:\n    s = socket.create_connection(('127.0.0.1', {port}))\n"
        )
        child = start(script + "    time.sleep(60)")
        connection, _ = listener.accept()
        with closing(connection):
            connection.settimeout(LONG_S)
            await child.stop(signal.SIGTERM, LONG_S)
            assert connection.recv(1) == b""


def test_its_environment_is_what_it_is_given(start: Start) -> None:
    """Nothing of this process's own comes through."""
    child = start("import json, os, sys; print(json.dumps(dict(os.environ))); sys.stdout.flush(); os._exit(3)")
    told = json.loads(child.log_tail(1))
    assert {name: value for name, value in told.items() if name != "LC_CTYPE"} == {"ONLY": "this"}
    assert child.exit_code == 3


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(LaunchError, match="/no/such/program cannot be started"):
        Child(Program(["/no/such/program"], {}, tmp_path, tmp_path / "log")).start()


def test_a_held_port_can_be_listened_on_and_is_given_to_nobody_else() -> None:
    """By whoever sets SO_REUSEADDR, as servers do; until then connecting is refused."""
    with HeldPort() as held:
        with closing(socket.socket()) as client:
            assert client.connect_ex(("127.0.0.1", held.number)) != 0
        with closing(socket.create_server(("127.0.0.1", held.number))), closing(socket.socket()) as client:
            assert client.connect_ex(("127.0.0.1", held.number)) == 0


def test_nobody_else_may_read_its_log(tmp_path: Path) -> None:
    """It stands in a temporary folder through which other users may pass, and has secrets in it."""
    before = os.umask(0)
    try:
        child = Child(Program(["/bin/sh", "-c", "echo canary"], {}, tmp_path, tmp_path / "log"))
        child.start()
        child.stop_now(signal.SIGTERM, 5.0)
    finally:
        os.umask(before)
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has no capability to lose")
@pytest.mark.parametrize(("user", "left"), [(65534, 0), (None, 0b11101011)])
def test_a_confined_child_comes_to_no_privilege_that_it_was_not_given(
    tmp_path: Path, user: int | None, left: int
) -> None:
    """An ordinary user's to none; root's to what an entry point needs that hands over to an ordinary user."""
    tmp_path.chmod(0o755)
    argv = ["/bin/grep", "-E", "^(CapBnd|CapEff|NoNewPrivs)", "/proc/self/status"]
    child = Child(Program(argv, {}, Path("/"), tmp_path / "log", user, confined=True))
    child.start()
    until_ended(child)
    told = dict(line.split() for line in child.log_tail(5).splitlines())
    assert (int(told["CapBnd:"], 16), int(told["CapEff:"], 16), told["NoNewPrivs:"]) == (left, left, "1")


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user becomes nobody else")
def test_what_is_preloaded_meets_nothing_of_who_started_it(tmp_path: Path) -> None:
    """The library that shifts clocks names shared memory by the process, which becomes the program."""
    tmp_path.chmod(0o755)
    variables = {"LD_PRELOAD": str(faketime_library()), "FAKETIME": "-1d"}
    child = Child(Program(["/bin/date", "+%s"], variables, Path("/"), tmp_path / "log", 65534))
    child.start()
    until_ended(child)
    assert child.exit_code == 0, child.log_tail(5)
    assert time.time() - int(child.log_tail(1)) == pytest.approx(86400, abs=3600)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_whatever_a_run_starts_has_its_mark_as_a_limit_too(tmp_path: Path) -> None:
    """It outlives a session and an environment of its own; a program of another run has another, or none."""
    script = "import os, time\nif os.fork() == 0:\n os.setsid()\nos.execve('/bin/sleep', ['sleep', '60'], {})"
    child = Child(Program([sys.executable, "-c", script], {MARK: "0a1b2c3d"}, tmp_path, tmp_path / "log"))
    child.start()
    other = Child(Program(["/bin/sleep", "60"], {MARK: "0a1b2c3e"}, tmp_path, tmp_path / "log"))
    other.start()
    try:
        eventually("it has left", lambda: len(asleep(child.pid)) == 1)
        (left,) = asleep(child.pid)
        end_processes([], f"{MARK}=0a1b2c3d", [])
        assert child.exit_code == 128 + signal.SIGKILL
        eventually("what has left is gone", lambda: left not in [process.pid for process in processes()])
        assert other.exit_code is None
    finally:
        for each in (child, other):
            each.stop_now(signal.SIGKILL, 1)


def asleep(parent: int) -> list[int]:
    """The children of that process that have a session of their own, and have become another program."""
    children = [process.pid for process in processes() if process.parent == parent and process.session == process.pid]
    return [pid for pid in children if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8") == "sleep\n"]
