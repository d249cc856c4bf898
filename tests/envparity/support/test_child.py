"""A child's end can be waited for, whatever becomes of its output."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from envparity.support.child import start_child

PYTHON = (sys.executable, "-S", "-c")
WITHIN_S = 60.0
UNREAD = 140 * 1024  # more than a reader takes before it pauses, and so little more that the pipe holds the rest


async def test_what_it_prints_is_read_to_the_end() -> None:
    """The end comes with the process, for nobody else holds the pipe."""
    async with asyncio.timeout(WITHIN_S), start_child(*PYTHON, "print('here')") as (process, output):
        assert await output.read() == b"here\n"
        assert await process.wait() == 0


async def test_output_that_nobody_reads_keeps_nobody_waiting() -> None:
    """The reader has paused before the pipe's end, and will not see it."""
    code = f"print('x' * {UNREAD})"
    async with asyncio.timeout(WITHIN_S), start_child(*PYTHON, code) as (process, _):
        assert await process.wait() == 0


async def test_a_grandchild_that_holds_the_pipe_keeps_nobody_waiting() -> None:
    """It is not the caller's to end, nor to wait for."""
    code = "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)"
    async with asyncio.timeout(WITHIN_S), start_child(*PYTHON, code) as (process, output):
        held = int(await output.readline())
        try:
            assert await process.wait() == 0
        finally:
            os.kill(held, signal.SIGKILL)
