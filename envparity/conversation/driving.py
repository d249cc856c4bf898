"""Drives one conversation over WebSockets: the one loop, for what was booted and for what is deployed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from envparity.conversation import actions
from envparity.conversation.line import OpenTime
from envparity.conversation.listening import Listening
from envparity.conversation.machine import Conversation
from envparity.conversation.polling import Connection
from envparity.conversation.talking import ConnectionEnd, Wait, flood, has_sent, send_wire
from envparity.support.stalls import Deadline, within

__all__ = ["Bounds", "OpenTime", "Surroundings", "drive"]

_FULL_S = 0.01  # until it is looked again whether what a connection has brought was read
_LINGER_S = 0.5  # how long a departed conversation may go on, to show what explains it


@dataclass(frozen=True)
class Bounds:
    """Within what a conversation is held; all that differs between who plays it with a stack and who probes.

    `close_s` seconds may a peer take to answer a goodbye, and `leave_s` where the conversation is broken off: with 0
    none is said then. `afterwards_s` is waited after a failure, for what is logged of it. `most_bytes` and
    `most_frames` are what one connection may bring; None: any number. `stretches`: a busy machine is given longer.

    `cuts`: a connection that has brought too much is cut at once, and so is one that the peer keeps up although it was
    closed, once a deadline is over. Else the first is closed with 1009, and the second is a silence.
    """

    close_s: float
    leave_s: float = 0.0
    afterwards_s: float = 0.0
    most_bytes: int | None = None
    most_frames: int | None = None
    stretches: bool = True
    cuts: bool = False

    @property
    def wait(self) -> Wait:
        """What a deadline of so many seconds is."""
        return within if self.stretches else asyncio.timeout

    def exceeded(self, frames: int, brought: int) -> bool:
        """Whether a connection has brought more than it may."""
        too_many = self.most_frames is not None and frames > self.most_frames
        return too_many or (self.most_bytes is not None and brought > self.most_bytes)


class Surroundings(Protocol):
    """What is around a conversation: how a client comes to the backend, and what is done beside talking to it."""

    def now(self) -> float:
        """Seconds since it began."""
        ...

    async def before(self, action: actions.Task) -> None:
        """Told of everything that the conversation is about to do."""
        ...

    async def open(self, action: actions.Open) -> Connection | None:
        """Connect and upgrade, and tell the conversation what came of it; None where it failed."""
        ...

    async def before_sending(self) -> None:
        """Wait until one more message may be sent."""
        ...

    async def do(self, action: actions.SendRequest | actions.Meet | actions.Control) -> None:
        """Do what is no talking on a connection, and tell the conversation what came of it."""
        ...

    async def departed(self) -> None:
        """Told that the conversation has left its script, in that moment."""
        ...


async def drive(conversation: Conversation, surroundings: Surroundings, bounds: Bounds) -> list[OpenTime]:
    """Play it to its end, which is not said to the conversation yet, and give the connections that were open.

    Whatever the peer does is told to the conversation, never an exception; no task and no socket is left.
    """
    return await _Driving(conversation, surroundings, bounds).run()


class _Driving:
    """One conversation being driven: its open connections, and a task that reads from each."""

    def __init__(self, conversation: Conversation, surroundings: Surroundings, bounds: Bounds) -> None:
        self._conversation, self._surroundings, self._bounds = conversation, surroundings, bounds
        self._now: Callable[[], float] = surroundings.now
        self._lines: list[OpenTime] = []
        self._by_name: dict[str, OpenTime] = {}
        self._floods: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()
        self._leaving = False
        self._phase: tuple[float, Deadline] | None = None

    async def run(self) -> list[OpenTime]:
        bounds = self._bounds
        try:
            while not isinstance(action := self._conversation.next(self._now()), actions.Finished):
                await self._surroundings.before(action)
                await self._do(action)
            if action.departed:
                await self._surroundings.departed()
                await self._wait_for([line.reader for line in self._lines if line.reader], _LINGER_S)
            if self._conversation.failed_s is not None:
                await asyncio.sleep(bounds.afterwards_s)
            await self._say_goodbye(bounds.close_s)
        except asyncio.CancelledError:
            if bounds.leave_s:
                await self._say_goodbye(min(bounds.close_s, bounds.leave_s))
            raise
        finally:
            await self._let_go()
        return self._lines

    async def _do(self, action: actions.Task) -> None:
        match action:
            case actions.Open():
                await self._open(action)
            case actions.SendMessage():
                await self._send(action)
            case actions.WriteBytes():
                await send_wire(self._by_name[action.connection].connection, action)
            case actions.SendClose():
                self._by_name[action.connection].close(action.code, self._now(), action.reason)
            case actions.Lose():
                self._by_name[action.connection].lose(action.act)
            case actions.Receive():
                await self._receive(action)
            case _:
                await self._surroundings.do(action)

    async def _open(self, action: actions.Open) -> None:
        connection = await self._surroundings.open(action)
        if connection is not None:
            line = self._by_name[action.connection] = OpenTime(action.connection, connection, self._now())
            self._lines.append(line)
            line.reader = asyncio.create_task(self._read(line))

    async def _send(self, action: actions.SendMessage) -> None:
        connection = self._by_name[action.connection].connection
        await self._surroundings.before_sending()
        if action.beside:
            self._begin(flood(connection, action))
            return
        if not await has_sent(connection, action, self._bounds.wait):
            self._conversation.timed_out(self._now())
        await asyncio.sleep(0)  # a flood must not keep its answers waiting

    async def _receive(self, action: actions.Receive) -> None:
        """Wait for more; what arrives in a phase gives it no new deadline, and what never ends arrives all the time."""
        if self._phase is None or self._phase[0] != action.until_s:
            self._phase = action.until_s, Deadline(action.timeout_s)
        deadline, stretches = self._phase[1], action.stretches and self._bounds.stretches
        left_s = deadline.left_s if stretches else action.timeout_s
        self._arrived.clear()
        with suppress(TimeoutError):
            if left_s > 0:
                async with within(deadline) if stretches else asyncio.timeout(left_s):
                    await self._arrived.wait()
                return
        if not (self._bounds.cuts and await self._has_ended(self._by_name[action.connection])):
            self._conversation.timed_out(self._now())

    async def _has_ended(self, line: OpenTime) -> bool:
        """Whether it was closed, or given up as unreadable, and the peer only keeps its TCP open.

        Then it is cut, so that the reader tells what it was.
        """
        connection = line.connection
        if line.closing is not None or not isinstance(connection, ClientConnection) or connection.state is State.OPEN:
            return False
        connection.transport.abort()
        await self._wait_for([line.reader] if line.reader else [], _LINGER_S)
        return self._arrived.is_set()

    async def _read(self, line: OpenTime) -> None:
        """Hand over what arrives, as it arrives, until the connection has ended, or has brought more than it may."""
        name, frames, brought = line.name, 0, 0
        listening = Listening(self._conversation, name, line.connection, self._now)
        try:
            while True:
                message = await listening.next()
                if self._bounds.exceeded(frames + 1, brought + len(message)):
                    if self._bounds.cuts:
                        line.connection.transport.abort()
                        reason = f"cut off after {frames} frames of {brought} characters"
                        return self._ended(line, ConnectionEnd(1006, reason, "client"))
                    await line.connection.close(1009, "too much")
                    continue
                frames, brought = frames + 1, brought + len(message)
                if self._conversation.too_much(name):  # it is being closed: nobody will read what it still brings
                    continue
                await listening.hand_over(message, self._arrived)
                await asyncio.sleep(0)  # who sends without end must not keep anything else waiting
                while self._conversation.too_much(name) and not self._leaving:  # noqa: ASYNC110  steps take it, not tasks
                    await asyncio.sleep(_FULL_S)
        except ConnectionClosed as closed:
            self._ended(line, line.end_of(closed))

    def _ended(self, line: OpenTime, end: ConnectionEnd) -> None:
        line.end = end
        self._conversation.closed(line.name, end.code, end.reason, end.by, self._now())
        self._arrived.set()

    async def _say_goodbye(self, timeout_s: float) -> None:
        """Close what is still open, and wait until the peers have answered, or no longer."""
        self._leaving = True
        for line in self._lines:
            line.lose("read_on")
            line.close()
        await self._wait_for([task for line in self._lines for task in line.tasks], timeout_s)

    async def _let_go(self) -> None:
        tasks = [*self._floods, *(task for line in self._lines for task in line.tasks)]
        for line in self._lines:
            line.connection.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._floods.add(task)
        task.add_done_callback(self._floods.discard)

    async def _wait_for(self, tasks: list[asyncio.Task[None]], timeout_s: float) -> None:
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
