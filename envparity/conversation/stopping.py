"""What a replica says of its liveness for as long as it takes to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from envparity.launch.controls import AnswersLiveness
from envparity.launch.port import Stack

__all__ = ["liveness_while"]

_EVERY_S = 0.05


async def liveness_while(stack: Stack, replica: int, stops: Awaitable[None]) -> int | None:
    """Wait until it has stopped, and ask it meanwhile whether it lives.

    Gives the first status that is no success, else the last; None where it did not answer, or cannot be asked.
    """
    answers: list[int] = []
    asking = asyncio.create_task(_ask(stack, replica, answers)) if isinstance(stack, AnswersLiveness) else None
    try:
        await stops
    finally:
        if asking is not None:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
    return next((status for status in answers if not _is_success(status)), answers[-1] if answers else None)


async def _ask(stack: AnswersLiveness, replica: int, answers: list[int]) -> None:
    while (status := await stack.liveness(replica)) is not None:
        answers.append(status)
        await asyncio.sleep(_EVERY_S)


def _is_success(status: int) -> bool:
    return 200 <= status < 400
