"""What a connection brings, handed to the conversation, and what its codec has a client say by itself meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from websockets.exceptions import ConnectionClosed

from envparity.conversation.machine import Conversation
from envparity.conversation.polling import Connection

__all__ = ["Listening"]


class Listening:
    """One connection being listened to. `now` gives the seconds since the scenario began."""

    def __init__(self, conversation: Conversation, name: str, connection: Connection, now: Callable[[], float]) -> None:
        self._conversation, self._name, self._connection, self._now = conversation, name, connection, now
        self._loop = asyncio.get_running_loop()
        self._beaten = self._loop.time()

    async def next(self) -> str | bytes:
        """Wait for the next message; what clients say at intervals is said on time. Raises `ConnectionClosed`."""
        while True:
            beat = self._conversation.beat(self._name)
            due = None if beat is None else self._beaten + beat.every_s
            try:
                async with asyncio.timeout_at(due):
                    return await self._connection.recv()
            except TimeoutError:
                self._beaten = self._loop.time()
                if beat is not None:
                    await self._say(beat.message)

    async def hand_over(self, message: str | bytes, arrived: asyncio.Event) -> None:
        """Give a message to the conversation, say that it arrived, and answer as clients do by themselves."""
        answers = self._conversation.received(self._name, message, self._now())
        arrived.set()
        for answer in answers:
            await self._say(answer)

    async def _say(self, message: str | bytes) -> None:
        with contextlib.suppress(ConnectionClosed):  # what arrived before that is still to be read
            await self._connection.send(message)
