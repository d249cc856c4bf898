"""A pace that cannot hurt: one thing after the other, evenly spaced."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

__all__ = ["MOST_BYTES", "Gentle", "Pace"]

MOST_BYTES = 1024 * 1024
"""How much one connection, or one HTTP answer, may bring."""

_MINUTE_S = 60.0


class Pace:
    """Lets things happen at most `per_minute` times in a minute, evenly spaced, whoever asks. None: whenever.

    `clock` gives seconds, `sleep` lets them pass.
    """

    def __init__(
        self,
        per_minute: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._apart_s = _MINUTE_S / per_minute if per_minute else 0.0
        self._clock, self._sleep = clock, sleep
        self._next_s = clock()

    async def turn(self) -> None:
        """Wait for one's turn. Turns are given in the order in which they are asked for."""
        now_s = self._clock()
        mine_s = max(self._next_s, now_s)
        self._next_s = mine_s + self._apart_s
        if mine_s > now_s:
            await self._sleep(mine_s - now_s)


class Gentle:
    """The `Restraint` (see launch.port) towards one deployed environment."""

    most_bytes = MOST_BYTES

    def __init__(self, connections: Pace, messages: Pace) -> None:
        self._connections, self._messages = connections, messages

    async def before_connecting(self) -> None:
        await self._connections.turn()

    async def before_sending(self) -> None:
        await self._messages.turn()
