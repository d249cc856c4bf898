"""Drives a conversation over real WebSockets, and does to the environment what the script asks for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from envparity.contract.contract import Contract
from envparity.conversation import actions
from envparity.conversation.affinity import AffinityCookies
from envparity.conversation.crowd import Crowd
from envparity.conversation.failure_logs import FailureLogs
from envparity.conversation.listening import Listening
from envparity.conversation.machine import Conversation
from envparity.conversation.opening import Opening
from envparity.conversation.polling import Connection
from envparity.conversation.preparing import prepare
from envparity.conversation.requesting import respond_and_tell
from envparity.conversation.script import Script
from envparity.conversation.stage import Stage
from envparity.conversation.talking import ending, flood, has_sent, send_wire
from envparity.launch.client_addresses import Way, ways_of
from envparity.launch.controls import HidesSecrets
from envparity.launch.port import Stack
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.observe.clients import as_one
from envparity.observe.transcript import Transcript
from envparity.support.stalls import Deadline, within
from envparity.support.together import together

__all__ = ["play"]

_AFTERWARDS_S = 0.2  # how long after a failure what is logged still belongs to it
_FULL_S = 0.01  # until it is looked again whether what a connection has brought was read
_LINGER_S = 0.5  # how long a departed conversation may go on, to show what explains it
_CONNECTED = 0  # where all clients are connected; behind it are the steps that do something to the environment


async def play(
    scenario: Scenario,
    stack: Stack,
    backend: Backend,
    contract: Contract | None,
    clock: Callable[[], float] = time.monotonic,
    *,
    script: Script | None = None,
) -> Transcript:
    """Play one scenario and return how it went; where it left its script is in the transcript, not an exception.

    `clock` gives seconds; `script` is the scenario as it is resolved already, by `prepare`, which else is done here.
    Where several clients play it at the same time, the transcript tells of all and shows one.
    Whatever the script stopped or cut and did not bring back is brought back in the end. Raises what `prepare` does.
    """
    if script is not None:
        scripts = [script]
    else:
        numbers = range(1, scenario.clients + 1)
        scripts = await together(*(prepare(scenario, stack, backend, number) for number in numbers))
    async with ways_of(stack, scenario) as ways:
        named = {way.seen: f"<address:{name}>" for name, way in ways.items() if way.seen}
        seen = {f"address:{name}": way.seen for name, way in ways.items()}
        began = clock()
        now = lambda: clock() - began  # noqa: E731
        crowd = Crowd(len(scripts), scenario.rate, Stage(stack, backend.phases.stop_s, now), now)
        named_too = [replace(one, names={**one.names, **named}, values={**one.values, **seen}) for one in scripts]
        conversations = [Conversation(scenario, written, contract) for written in named_too]
        plays = await together(*(_Playing(one, stack, backend, crowd, ways).run() for one in conversations))
        await crowd.stage.restore()
    return plays[0] if scenario.clients == 1 else as_one(plays, scenario.served)


class _Playing:
    """One conversation being driven: its open connections, and a task that reads from each."""

    def __init__(
        self, conversation: Conversation, stack: Stack, backend: Backend, crowd: Crowd, ways: Mapping[str, Way]
    ) -> None:
        self._conversation, self._stack, self._crowd = conversation, stack, crowd
        self._close_s, self._now, self._controls = backend.phases.close_s, crowd.now, 0
        self._connections: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()
        self._closing = False
        self._phase: tuple[float, Deadline] | None = None
        self._affinity = AffinityCookies()
        self._opening = Opening(conversation, stack, crowd, ways, self._affinity, backend.codec)
        self._logs = FailureLogs(stack)

    async def run(self) -> Transcript:
        try:
            while not isinstance(action := self._conversation.next(self._now()), actions.Finished):
                await self._do(action)
            if action.departed:
                self._conversation.looked_at(await self._crowd.stage.readiness())
            if action.departed and self._readers:
                await asyncio.wait(self._readers, timeout=_LINGER_S)
            if self._conversation.failed_s is not None:
                await asyncio.sleep(_AFTERWARDS_S)
            await self._close_all()
        finally:
            for connection in self._connections.values():
                connection.transport.abort()
            for task in self._tasks | self._readers:
                task.cancel()
            self._crowd.leave()
            await asyncio.gather(*self._tasks, *self._readers, return_exceptions=True)
        self._conversation.finish(self._now())
        if isinstance(self._stack, HidesSecrets):
            self._stack.hide(self._conversation.met_secrets.items())
        await self._logs.give_to(self._conversation)
        self._conversation.disturbed(self._crowd.stage.disturbed)
        return self._conversation.transcript

    async def _do(self, action: actions.Task) -> None:
        if not isinstance(action, actions.Receive):
            await self._logs.mark(self._now())
        match action:
            case actions.Open():
                await self._open(action)
            case actions.Send():
                await self._send(action)
            case actions.SendWire():
                await send_wire(self._connections[action.connection], action)
            case actions.Close():
                self._begin(self._connections[action.connection].close(action.code))
            case actions.Request():
                way = self._opening.way(action.source)
                await respond_and_tell(action, self._stack, self._affinity, self._conversation, self._now, way=way)
            case actions.Receive():
                await self._receive(action)
            case actions.Meet():
                await self._crowd.meet(_CONNECTED)
            case _:
                self._controls += 1
                outcome = await self._crowd.control(_CONNECTED + self._controls, action)
                self._conversation.controlled(outcome, self._now())

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, action: actions.Open) -> None:
        connection = await self._opening.open(action)
        if connection is not None:
            self._connections[action.connection] = connection
            self._readers.add(asyncio.create_task(self._read(action.connection, connection)))

    # Talking.

    async def _send(self, action: actions.Send) -> None:
        connection, restraint = self._connections[action.connection], self._stack.endpoint.restraint
        if restraint is not None:
            await restraint.before_sending()
        await self._crowd.before_sending()
        if action.beside:
            self._begin(flood(connection, action))
            return
        if not await has_sent(connection, action, action.count, within):
            self._conversation.timed_out(self._now())
        await asyncio.sleep(0)  # a flood must not keep its answers waiting

    async def _receive(self, action: actions.Receive) -> None:
        """Wait for more; what arrives in a phase gives it no new deadline, and what never ends arrives all the time."""
        if self._phase is None or self._phase[0] != action.until_s:
            self._phase = action.until_s, Deadline(action.timeout_s)
        deadline = self._phase[1]
        left_s = deadline.left_s if action.stretches else action.timeout_s
        self._arrived.clear()
        with suppress(TimeoutError):
            if left_s > 0:
                async with within(deadline) if action.stretches else asyncio.timeout(left_s):
                    await self._arrived.wait()
                return
        self._conversation.timed_out(self._now())

    async def _read(self, name: str, connection: Connection) -> None:
        """Hand over what arrives, as it arrives, until the connection is closed; close one that brings too much."""
        restraint, brought = self._stack.endpoint.restraint, 0
        listening = Listening(self._conversation, name, connection, self._now)
        try:
            while True:
                message = await listening.next()
                brought += len(message)
                if restraint is not None and brought > restraint.most_bytes:
                    await connection.close(1009, "too much")
                    continue
                if self._conversation.too_much(name):  # it is being closed: nobody will read what it still brings
                    continue
                await listening.hand_over(message, self._arrived)
                while self._conversation.too_much(name) and not self._closing:  # noqa: ASYNC110  steps take it, not tasks
                    await asyncio.sleep(_FULL_S)
        except ConnectionClosed as end:
            ended = ending(end)
            unread = isinstance(connection, ClientConnection) and connection.protocol.parser_exc is not None
            given_up = end.rcvd is None and end.sent is not None and unread
            reason = f"closed with {int(end.sent.code)}" if given_up and end.sent is not None else ended.reason
            self._conversation.closed(name, ended.code, reason, ended.by, self._now())
            self._arrived.set()

    async def _close_all(self) -> None:
        """Close what is still open; who does not answer in time is cut off."""
        self._closing = True
        closing = [asyncio.create_task(connection.close()) for connection in self._connections.values()]
        if closing:
            _, hanging = await asyncio.wait([*closing, *self._readers], timeout=self._close_s)
            for task in hanging:
                task.cancel()
