"""Ending tasks that run beside something."""

from __future__ import annotations

import asyncio
from typing import Any

_AGAIN_S = 0.1

__all__ = ["end_tasks"]


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these until each has ended, whatever it ends with.

    One cancellation can be lost: a library whose own deadline is over in the same moment takes it for that, and a task
    that goes on after a failed attempt goes on for ever.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at, so that nobody says that it never was
