"""Ending tasks, also those that lose a cancellation."""

from __future__ import annotations

import asyncio

from netra_backend.app.core.tasks import end_tasks


async def test_a_task_that_loses_its_first_cancellation_is_ended_all_the_same() -> None:
    """As one does whose library takes it for a deadline of its own, and which tries again."""
    lost = 0

    async def for_ever() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost += 1

    task = asyncio.create_task(for_ever())
    await asyncio.sleep(0)
    async with asyncio.timeout(30.0):
        await end_tasks(task)
    assert (lost, task.cancelled()) == (1, True)


async def test_what_a_task_ended_with_is_nobodys_matter_any_more() -> None:
    """One that is over, and one that fails while it is cancelled."""

    async def fails() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            raise OSError

    async def passes() -> None:
        await asyncio.sleep(0)

    tasks = asyncio.create_task(fails()), asyncio.create_task(passes())
    await asyncio.sleep(0)
    await end_tasks(*tasks)
    assert all(task.done() for task in tasks)
