"""Work that is waited for goes on where the waiting is cancelled, and nobody complains of how it ends."""

from __future__ import annotations

import asyncio
import gc

import pytest

from envparity.support.shielded import shielded


async def test_what_nobody_waits_for_any_more_ends_without_a_word() -> None:
    """Neither is its error told by asyncio, which is what a traceback on stderr would be."""
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, said: complaints.append(str(said["message"])))
    began, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        await go_on.wait()
        ended.set()
        raise OSError("it is gone")

    waiting = asyncio.create_task(shielded(work()))
    await began.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await ended.wait()
    await asyncio.sleep(0)
    gc.collect()
    assert complaints == []


async def test_who_waits_is_told() -> None:
    async def work(error: Exception | None) -> int:
        if error is not None:
            raise error
        return 7

    assert await shielded(work(None)) == 7
    with pytest.raises(OSError, match="it is gone"):
        await shielded(work(OSError("it is gone")))
