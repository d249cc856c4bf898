"""Processes that are held begin in the same moment, as what they would have been without."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from envparity.errors import LaunchError
from envparity.launch.process.child import Child, Program
from envparity.launch.process.start_gate import ProcessStartGate

pytestmark = [pytest.mark.processes, pytest.mark.asyncio]

SHOWS = "import os, signal as s; print(sorted(os.environ), s.getsignal(s.SIGPIPE), len(os.listdir('/proc/self/fd')))"


def program(folder: Path, name: str, *argv: str) -> Program:
    return Program(argv, {"PATH": os.defpath, "LANG": "C", "PORT": "1"}, folder, folder / f"{name}.log")


async def ended(child: Child) -> None:
    while True:
        if child.exit_code is not None:
            return
        await asyncio.sleep(0.01)


async def begun_together(folder: Path, count: int, *argv: str, came_ns: list[int] | None = None) -> list[str]:
    """What that many processes wrote that passed one gate; `came_ns` takes the moments in which they came there."""
    gate = ProcessStartGate(count)
    children = [Child(program(folder, f"{count}-{number}", *argv)) for number in range(count)]

    async def start(child: Child, late_s: float) -> None:
        await asyncio.sleep(late_s)
        if came_ns is not None:
            came_ns.append(time.time_ns())
        child.start(gate)
        assert child.exit_code is None
        await gate.passed()

    try:
        async with asyncio.timeout(30):
            await asyncio.gather(*(start(child, number * 0.05) for number, child in enumerate(children)))
            await asyncio.gather(*map(ended, children))
    finally:
        gate.open()
        for child in children:
            await child.stop(signal.SIGKILL, 0)
    return [child.log_tail(5) for child in children]


async def test_nobody_begins_before_all_are_there(tmp_path: Path) -> None:
    """Although the last is started a tenth of a second after the first."""
    came_ns: list[int] = []
    times = [int(line) for line in await begun_together(tmp_path, 3, "/bin/date", "+%s%N", came_ns=came_ns)]
    assert min(times) > max(came_ns)


async def test_a_held_process_is_what_it_would_have_been(tmp_path: Path) -> None:
    """Its environment, what it does with signals, and no descriptor more."""
    plain = Child(program(tmp_path, "plain", sys.executable, "-S", "-c", SHOWS))
    plain.start()
    await ended(plain)
    held = await begun_together(tmp_path, 2, sys.executable, "-S", "-c", SHOWS)
    assert held == [plain.log_tail(5)] * 2


async def test_a_program_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    """In its log: the process is there already."""
    told = await begun_together(tmp_path, 2, str(tmp_path / "none"))
    assert all("cannot be started" in text for text in told)


async def test_nobody_waits_for_who_does_not_come() -> None:
    """A start that fails lets the others go, with what it failed for."""
    gate = ProcessStartGate(2)
    waiting = asyncio.create_task(gate.passed())
    await asyncio.sleep(0)
    assert not waiting.done()
    with pytest.raises(LaunchError, match="gone"), gate.open_without():
        raise LaunchError("gone")
    async with asyncio.timeout(30):
        await waiting
