"""An environment of processes that is disturbed: its clock, its processors, all of it at once."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from envparity.config.project import load_project
from envparity.launch.process.kind import process_launcher
from envparity.launch.process.stack import ProcessStack
from envparity.model.case import Boot
from envparity.model.step import HangUp, Slow
from tests.envparity.launch.test_refused import needs_sight
from tests.envparity.running import TREE

pytestmark = [pytest.mark.processes, pytest.mark.asyncio(loop_scope="module")]
AN_HOUR_S = 3_600.0
APART_S = 2.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[ProcessStack]:
    """Production, whose second replica is an hour ahead, and was started later than the first."""
    project = load_project(TREE / "netra_backend" / "backend.toml", TREE / "environments", ["production"])
    launcher = process_launcher(project)
    boot = Boot(clocks=(0.0, AN_HOUR_S), slow=(("redis", 0.02),), apart_s=APART_S)
    production = project.environments["production"]
    try:
        async with launcher.boot(production, boot, lambda _: None) as booted:
            assert isinstance(booted, ProcessStack)
            await booted.until_ready()
            yield booted
    finally:
        await launcher.close()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def started_s(pid: int) -> float:
    """When it started, in seconds since the machine did."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")  # proc_pid_stat(5): the 22nd, of which two are before the bracket


def shared_by(pid: int) -> list[Path]:
    """What libfaketime keeps in shared memory for that process."""
    return [Path("/dev/shm") / name for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}")]  # noqa: S108


async def last_logged(stack: ProcessStack, index: int) -> dt.datetime:
    """The moment that a replica says it was when it logged last."""
    log = await stack.logs.replica(index)
    moments = [json.loads(line)["timestamp"] for line in log if line.startswith("{") and "timestamp" in line]
    return dt.datetime.fromisoformat(moments[-1])


async def test_each_replica_is_started_so_long_after_the_one_before_it(stack: ProcessStack) -> None:
    """Whatever the machine has to do meanwhile: together they are never started."""
    first, second = (started_s(replica.child.pid) for replica in stack.replicas)
    assert second - first > APART_S / 2


async def test_each_replica_has_its_clock_which_can_be_moved(stack: ProcessStack) -> None:
    """Replicas an hour apart are; and one that is put forward by another is two hours ahead of the first."""
    apart = await last_logged(stack, 1) - await last_logged(stack, 0)
    assert round(apart.total_seconds() / AN_HOUR_S) == 1
    await stack.jump_clock(1, AN_HOUR_S)
    kept = shared_by(stack.replicas[1].child.pid)
    assert all(path.exists() for path in kept)
    await stack.stop_replica(1)  # it says so
    assert not any(path.exists() for path in kept)
    apart = await last_logged(stack, 1) - await last_logged(stack, 0)
    assert round(apart.total_seconds() / AN_HOUR_S) == 2
    await stack.start_replica(1)


async def test_a_dependency_is_slow_for_as_long_as_the_boot_lasts(stack: ProcessStack) -> None:
    """The one that the boot names, and no other; a disturbance that is undone leaves it slow."""
    asked = {name: dependency.proxy.has("slow in this boot") for name, dependency in stack.dependencies.items()}
    assert asked == {"postgres": False, "redis": True}
    await stack.disturb_dependency(Slow("redis", by_s=0.1))
    await stack.restore_dependency("redis")
    assert stack.dependencies["redis"].proxy.has("slow in this boot")


async def test_a_throttled_replica_stands_still_now_and_then_and_goes_on_afterwards(stack: ProcessStack) -> None:
    """It is stopped in turns; when that is over it answers as before."""
    states: set[str] = set()
    throttling = asyncio.create_task(stack.throttle_replica(0, 0.5, 1.0))
    while not throttling.done():
        states.add(state_of(stack.replicas[0].child.pid))
        await asyncio.sleep(0.005)
    await throttling
    assert "T" in states
    assert states - {"T"}
    await stack.until_ready(0)


async def test_it_is_seen_which_replica_tries_to_connect(stack: ProcessStack) -> None:
    """Both come back for their subscription, each from its own process."""
    await stack.disturb_dependency(HangUp("redis"))
    async with asyncio.timeout(30):
        while {attempt.replica for attempt in stack.outages("redis")[-1].attempts} < {0, 1}:  # noqa: ASYNC110  no event
            await asyncio.sleep(0.05)
    await stack.restore_dependency("redis")
    await stack.until_ready()


@needs_sight
async def test_attempts_at_what_is_cut_off_are_seen(stack: ProcessStack) -> None:
    """Of which replica nobody can say: whoever was refused has no socket any more."""
    await stack.cut_dependency("redis")
    async with asyncio.timeout(30):
        while not stack.outages("redis")[-1].attempts:  # noqa: ASYNC110  it has no event for it
            await asyncio.sleep(0.05)
    await stack.restore_dependency("redis")
    await stack.until_ready()
    assert {attempt.replica for attempt in stack.outages("redis")[-1].attempts} == {None}


async def test_everything_can_be_restarted_at_once(stack: ProcessStack) -> None:
    """Servers and replicas; afterwards other processes are ready, at the same places."""
    before = [replica.child.pid for replica in stack.replicas]
    ports = {name: dependency.proxy.port for name, dependency in stack.dependencies.items()}
    await stack.restart_all(dependencies=True)
    assert not {replica.child.pid for replica in stack.replicas} & {*before}
    assert {name: dependency.proxy.port for name, dependency in stack.dependencies.items()} == ports
    await stack.until_ready()
