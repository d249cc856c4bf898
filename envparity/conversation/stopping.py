"""What a replica says of its health for as long as it takes to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from envparity.launch.controls import AnswersHealth
from envparity.launch.port import Stack

__all__ = ["DrainHealth", "health_while"]

_EVERY_S = 0.05
_TOLD_S = 1.0  # by then whoever was told to stop has heard of it


class DrainHealth(NamedTuple):
    """Statuses of a replica that drained; None where it did not answer, or cannot be asked.

    `liveness` is the first that was no success, else the last; `readiness` the last that was asked for a second or more
    after it was told to stop.
    """

    liveness: int | None = None
    readiness: int | None = None


async def health_while(stack: Stack, replica: int, stops: Awaitable[None]) -> DrainHealth:
    """Wait until it has stopped, and ask it meanwhile whether it lives and whether it is ready."""
    lives: list[int] = []
    ready: list[int] = []
    asking: list[asyncio.Task[None]] = []
    if isinstance(stack, AnswersHealth):
        asking.append(asyncio.create_task(_ask(stack.liveness, replica, lives)))
        asking.append(asyncio.create_task(_ask(stack.ready_status, replica, ready, _TOLD_S)))
    try:
        await stops
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    liveness = next((status for status in lives if not _is_success(status)), lives[-1] if lives else None)
    return DrainHealth(liveness, ready[-1] if ready else None)


async def _ask(
    status_of: Callable[[int], Awaitable[int | None]], replica: int, answers: list[int], after_s: float = 0.0
) -> None:
    await asyncio.sleep(after_s)
    while (status := await status_of(replica)) is not None:
        answers.append(status)
        await asyncio.sleep(_EVERY_S)


def _is_success(status: int) -> bool:
    return 200 <= status < 400
