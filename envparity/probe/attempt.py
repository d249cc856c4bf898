"""Holds one conversation over one connection, within bounds of time and memory, and gives what it saw."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from envparity.conversation import actions
from envparity.conversation.listening import Listening
from envparity.conversation.machine import Conversation
from envparity.conversation.talking import ending, has_sent
from envparity.conversation.told import Outcome
from envparity.observe.transcript import HandshakeAnswered, Transcript
from envparity.probe.network import MAX_FRAME_BYTES, Network

__all__ = ["LEAVE_S", "MAX_BYTES", "MAX_FRAMES", "Attempt", "attempt"]

MAX_FRAMES: Final = 1000
MAX_BYTES: Final = 4 * MAX_FRAME_BYTES
"""What one conversation may bring; beyond it nothing is read any more, and the connection is cut."""

LEAVE_S: Final = 2.0
"""How long the goodbye of an attempt that is broken off may take, in seconds."""

_LINGER_S = 0.5  # how long a departed conversation may go on, to show what explains it


@dataclass(frozen=True)
class Attempt:
    """One conversation as it went. Seconds since it began; None: it did not come that far.

    `handshake` is one of `labels.HANDSHAKES`; `close_code` the peer's, 1006 where it gave none, None where there was no
    connection.
    """

    transcript: Transcript
    handshake: str
    connected_s: float | None = None
    accepted_s: float | None = None
    closing_s: float | None = None
    close_code: int | None = None


async def attempt(conversation: Conversation, network: Network, close_s: float) -> Attempt:
    """Hold that conversation. Whatever the network or the peer does is in what is returned, never an exception.

    `close_s` seconds may the peer take to answer a goodbye. When cancelled it says goodbye with 1000 and leaves.
    """
    return await _Attempt(conversation, network, close_s).hold()


class _Attempt:
    def __init__(self, conversation: Conversation, network: Network, close_s: float) -> None:
        self._conversation, self._network, self._close_s = conversation, network, close_s
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()
        self._handshake = ""
        self._connected_s: float | None = None
        self._accepted_s: float | None = None
        self._closing_s: float | None = None
        self._close_code: int | None = None

    def _now(self) -> float:
        return self._loop.time() - self._began

    async def hold(self) -> Attempt:
        try:
            while not isinstance(action := self._conversation.next(self._now()), actions.Finished):
                await self._do(action)
            if action.departed and self._reader is not None:
                await asyncio.wait([self._reader], timeout=_LINGER_S)
            await self._say_goodbye(self._close_s)
        except asyncio.CancelledError:
            await self._say_goodbye(min(self._close_s, LEAVE_S))
            raise
        finally:
            await self._let_go()
        self._conversation.finish(self._now())
        return Attempt(
            self._conversation.transcript,
            self._handshake,
            self._connected_s,
            self._accepted_s,
            self._closing_s,
            self._close_code,
        )

    async def _do(self, action: actions.Task) -> None:
        match action:
            case actions.Open():
                await self._open(action)
            case actions.Send():
                await self._send(action)
            case actions.Close():
                self._closing_s = self._now()
                self._close(action.code)
            case actions.Receive():
                self._arrived.clear()
                try:
                    async with asyncio.timeout(max(action.timeout_s, 0)):
                        await self._arrived.wait()
                except TimeoutError:
                    if not await self._has_ended():
                        self._conversation.timed_out(self._now())
            case _:  # `choice` lets no such step through
                self._conversation.controlled(Outcome("a probe does nothing to what is deployed"), self._now())

    async def _open(self, action: actions.Open) -> None:
        answer = await self._network.open(action.handshake, action.timeout_s, self._connected)
        self._handshake = answer.label
        if answer.timed_out:
            self._conversation.timed_out(self._now(), answer.timed_out)
            return
        connection = self._connection = answer.connection
        selected = connection.subprotocol if connection else None
        self._conversation.opened(
            HandshakeAnswered(self._now(), action.connection, "accept", answer.status, selected, error=answer.error)
        )
        if connection is not None:
            self._accepted_s = self._now()
            self._reader = asyncio.create_task(self._read(action.connection, connection))

    def _connected(self) -> None:
        self._connected_s = self._now()

    async def _send(self, action: actions.Send) -> None:
        if self._connection is None:
            return
        if not await has_sent(self._connection, action, 1, asyncio.timeout):
            self._conversation.timed_out(self._now())

    async def _read(self, name: str, connection: ClientConnection) -> None:
        """Hand over what arrives, until the connection is closed or has brought more than a conversation may."""
        frames = read = 0
        listening = Listening(self._conversation, name, connection, self._now)
        try:
            while frames < MAX_FRAMES and read < MAX_BYTES:
                message = await listening.next()
                frames, read = frames + 1, read + len(message)
                await listening.hand_over(message, self._arrived)
                await asyncio.sleep(0)  # a flood must not keep anything else waiting
            reason = f"cut off after {frames} frames of {read} characters"
            connection.transport.abort()
            self._ended(name, 1006, reason, ours=True)
        except ConnectionClosed as end:
            ended = ending(end)
            reason = ended.reason
            if end.rcvd is None and end.sent is not None and self._closing is None:
                reason = f"closed with {int(end.sent.code)} {end.sent.reason}"  # what it sent cannot be read
            self._ended(name, ended.code, reason, ours=ended.by == "client")

    async def _has_ended(self) -> bool:
        """Whether the connection was closed, or given up as unreadable, and the peer only keeps its TCP open.

        Then it is cut, so that the reader tells what it was.
        """
        connection, reader = self._connection, self._reader
        if connection is None or reader is None or self._closing is not None or connection.state is State.OPEN:
            return False
        connection.transport.abort()
        await asyncio.wait([reader], timeout=_LINGER_S)
        return self._arrived.is_set()

    def _ended(self, name: str, code: int, reason: str, *, ours: bool) -> None:
        self._close_code = code
        self._conversation.closed(name, code, reason, "client" if ours else "server", self._now())
        self._arrived.set()

    def _close(self, code: int) -> None:
        if self._connection is not None and self._closing is None:
            self._closing = asyncio.create_task(_quietly(self._connection.close(code)))

    async def _say_goodbye(self, timeout_s: float) -> None:
        """Close with 1000, unless that was said before, and wait until the peer has answered, or no longer."""
        self._close(1000)
        waited_for = [task for task in (self._closing, self._reader) if task is not None]
        if waited_for:
            await asyncio.wait(waited_for, timeout=timeout_s)

    async def _let_go(self) -> None:
        """Whatever happened: no task and no socket is left."""
        tasks = [task for task in (self._closing, self._reader) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._connection is not None:
            self._connection.transport.abort()
            if self._close_code is None:
                self._close_code = 1006


async def _quietly(closing: Coroutine[object, object, None]) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        await closing
