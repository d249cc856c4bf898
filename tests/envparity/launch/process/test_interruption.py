"""Ctrl-C, SIGTERM and SIGKILL at any moment of a run of processes: nothing of it is left."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from envparity.launch.cleanup.run_folder import MEMORY
from tests.envparity.running import GONE_WITHIN_S, TREE, Running, in_time_s

pytestmark = pytest.mark.processes

LOCAL = ("run", "--plain", "--launcher", "process", "--environment", "local")
MOMENTS = {
    "servers": "waits for its dependencies to answer",
    "backend": "waits for the backend to start",
    "startup": "waits for startup to pass or fail",
    "scenarios": r"waits for \d+ scenarios",
}


def left_in_memory(run: Running) -> list[str]:
    """Its folders there; the others are among its temporary files."""
    return [path.name for path in MEMORY.glob(f"envparity-*/{run.run_id}-*")]


def left(run: Running) -> list[str]:
    """Everything of that run which is still there."""
    return [*run.children(), *run.files, *left_in_memory(run)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_stopped_leaves_nothing(running: list[Running], moment: str, number: signal.Signals) -> None:
    """Whenever it happens: no process, no folder, and 128 plus the signal's number."""
    run = Running(TREE, *LOCAL, "--only", "conversation")
    running.append(run)
    run.until(MOMENTS[moment])
    assert run.end(number) == 128 + number, str(run)
    assert left(run) == []
    assert f"interrupted by {number.name}; everything that was started is gone" in str(run)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_killed_leaves_nothing(running: list[Running], moment: str) -> None:
    """Its guard outlives it by a moment."""
    run = Running(TREE, *LOCAL, "--only", "conversation")
    running.append(run)
    run.until(MOMENTS[moment])
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    _gone_in_time(run)


def test_warm_boots_that_are_killed_leave_nothing(running: list[Running]) -> None:
    """In the middle of many orders: the agent and its forks too."""
    run = Running(TREE, *LOCAL, "--only", "no_subprotocol_offered", "--orders", "3")
    running.append(run)
    run.until(r"10 of \d+ orders booted")
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    _gone_in_time(run)


def test_what_is_left_when_the_guard_is_killed_too_is_removed_by_sweep(running: list[Running]) -> None:
    """Nobody holds the locks of its folders, and its processes bear the run's mark."""
    run = Running(TREE, *LOCAL, "--only", "conversation")
    running.append(run)
    run.until(MOMENTS["scenarios"])
    for guard in _guards(run):
        os.kill(guard, signal.SIGKILL)
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    assert run.files != []
    sweep = Running(TREE, "sweep", env={"DOCKER_HOST": "unix:///nowhere/docker.sock", "TMPDIR": str(run.temporary)})
    running.append(sweep)
    assert sweep.process.wait(GONE_WITHIN_S) == 0, str(sweep)
    _gone_in_time(run)


def _gone_in_time(run: Running) -> None:
    deadline = time.monotonic() + in_time_s()
    while left(run):
        assert time.monotonic() < deadline, f"still there: {left(run)}\n{run}"
        threading.Event().wait(0.05)


def _guards(run: Running) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                run.mark.encode() in (process / "environ").read_bytes()
                and b"guard.py" in (process / "cmdline").read_bytes()
            ):
                found.append(int(process.name))
        except OSError:  # it has ended just now
            continue
    return found
