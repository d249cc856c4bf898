"""Drives a conversation over real WebSockets, and does to the environment what the script asks for."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.http11 import USER_AGENT
from websockets.typing import Origin, Subprotocol

from envparity.backend import Backend
from envparity.conversation import actions
from envparity.conversation.contract import Contract
from envparity.conversation.machine import Conversation
from envparity.conversation.script import Handshake, Identity, write_script
from envparity.conversation.stage import Stage
from envparity.launch.connecting import tcp_connection, why_not
from envparity.launch.port import Endpoint, Stack
from envparity.observe.record import Transcript
from envparity.scenario import Scenario

__all__ = ["play"]

UPSTREAM_HEADER = "X-Envparity-Upstream"  # the ingress says with it which replica answered

_LINGER_S = 0.5  # how long a departed conversation may go on, to show what explains it
_MAX_FRAME_BYTES = 64 * 1024 * 1024


async def play(
    scenario: Scenario,
    stack: Stack,
    backend: Backend,
    contract: Contract | None,
    clock: Callable[[], float] = time.monotonic,
) -> Transcript:
    """Play one scenario and return how it went; where it left its script is in the transcript, not an exception.

    `clock` gives seconds. Whatever the script stopped or cut and did not bring back is brought back in the end.
    Raises `ConfigurationError` when backend or settings do not provide what the scenario needs, and what the launcher
    raises when a token cannot be revoked.
    """
    endpoint = stack.endpoint
    if endpoint.path:
        backend = msgspec.structs.replace(backend, websocket_path=endpoint.path)
    identity = Identity(endpoint.known.user, endpoint.known.token) if endpoint.known is not None else None
    script = write_script(scenario, backend, stack.settings, endpoint.origin, now_s=int(time.time()), identity=identity)
    for dependency, command in script.revocations:
        await stack.redis_command(dependency, command)
    conversation = Conversation(scenario, script, contract)
    return await _Playing(conversation, stack, backend, clock).run()


class _Playing:
    """One conversation being driven: its open connections, and a task that reads from each."""

    def __init__(self, conversation: Conversation, stack: Stack, backend: Backend, clock: Callable[[], float]) -> None:
        self._conversation, self._stack, self._clock = conversation, stack, clock
        self._close_s = backend.phases.close_s
        self._began = clock()
        self._stage = Stage(stack, backend.phases.stop_s, self._now)
        self._connections: dict[str, ClientConnection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()

    def _now(self) -> float:
        return self._clock() - self._began

    async def run(self) -> Transcript:
        try:
            while not isinstance(action := self._conversation.next(self._now()), actions.Finished):
                await self._do(action)
            if action.departed and self._readers:
                await asyncio.wait(self._readers, timeout=_LINGER_S)
            await self._close_all()
        finally:
            for connection in self._connections.values():
                connection.transport.abort()
            for task in self._tasks | self._readers:
                task.cancel()
            await asyncio.gather(*self._tasks, *self._readers, return_exceptions=True)
        await self._stage.restore()
        self._conversation.finish(self._now())
        return self._conversation.transcript

    async def _do(self, action: actions.Task) -> None:
        match action:
            case actions.Open():
                await self._open(action)
            case actions.Send():
                await self._send(action)
            case actions.Close():
                self._begin(self._connections[action.connection].close(action.code))
            case actions.Receive():
                self._arrived.clear()
                try:
                    async with asyncio.timeout(max(action.timeout_s, 0)):
                        await self._arrived.wait()
                except TimeoutError:
                    self._conversation.timed_out(self._now())
            case _:
                result, failure = await self._stage.do(action)
                self._conversation.controlled(result, self._now(), failure)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Connecting.

    async def _open(self, action: actions.Open) -> None:
        """Connect; where another replica is wanted, again and again until the ingress chooses it."""
        restraint = self._stack.endpoint.restraint
        if restraint is not None:
            await restraint.before_connecting()
        try:
            async with asyncio.timeout(2 * action.timeout_s):  # each of connecting and upgrading has its own below
                while True:
                    connection = await self._open_once(action)
                    if connection is None:
                        return
                    replica = self._replica(connection)
                    if action.other_than is None or self._stack.replica_count == 1 or replica != action.other_than:
                        break
                    await connection.close()
        except TimeoutError:
            self._conversation.opened(action.connection, 0, self._now(), error="no other replica answered")
            return
        self._connections[action.connection] = connection
        selected = connection.subprotocol
        self._conversation.opened(action.connection, 101, self._now(), subprotocol=selected, replica=replica)
        reader = asyncio.create_task(self._read(action.connection, connection))
        self._readers.add(reader)

    async def _open_once(self, action: actions.Open) -> ClientConnection | None:
        """One attempt; None when it failed, and the conversation was told how."""
        endpoint, phase = self._stack.endpoint, "connect"
        try:
            async with asyncio.timeout(action.timeout_s):
                sock = await tcp_connection(endpoint.address)
            phase = "accept"
            async with asyncio.timeout(action.timeout_s):
                return await _upgrade(sock, endpoint, action.handshake)
        except TimeoutError:
            self._conversation.timed_out(self._now(), phase)
        except InvalidStatus as refused:
            replica = self._stack.replica_index(refused.response.headers.get(UPSTREAM_HEADER))
            self._conversation.opened(action.connection, refused.response.status_code, self._now(), replica=replica)
        except InvalidMessage as error:  # not HTTP, or nothing at all before the connection was lost
            why = str(error.__cause__ or error)
            self._conversation.opened(action.connection, 0, self._now(), error=why)
        except InvalidHandshake as error:
            self._conversation.opened(action.connection, 101, self._now(), error=str(error))
        except OSError as error:
            self._conversation.opened(action.connection, 0, self._now(), error=why_not(error))
        return None

    def _replica(self, connection: ClientConnection) -> int:
        response = connection.response
        return self._stack.replica_index(response.headers.get(UPSTREAM_HEADER) if response else None)

    # Talking.

    async def _send(self, action: actions.Send) -> None:
        connection, restraint = self._connections[action.connection], self._stack.endpoint.restraint
        if restraint is not None:
            await restraint.before_sending()
        try:
            async with asyncio.timeout(action.timeout_s):
                for _ in range(action.count):
                    await connection.send(action.text)
        except TimeoutError:
            self._conversation.timed_out(self._now())
        except ConnectionClosed:
            pass  # its reader tells how it ended
        await asyncio.sleep(0)  # a flood must not keep its answers waiting

    async def _read(self, name: str, connection: ClientConnection) -> None:
        """Hand over what arrives, as it arrives, until the connection is closed; close one that brings too much."""
        restraint, brought = self._stack.endpoint.restraint, 0
        try:
            while True:
                message = await connection.recv()
                brought += len(message)
                if restraint is not None and brought > restraint.most_bytes:
                    await connection.close(1009, "too much")
                    continue
                self._conversation.received(name, message, self._now())
                self._arrived.set()
        except ConnectionClosed as end:
            code, reason = (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")
            # Both may close at once: then the peer's own code shows that it did not echo ours.
            ours = end.sent is not None and not end.rcvd_then_sent and (end.rcvd is None or code == end.sent.code)
            self._conversation.closed(name, int(code), reason, "client" if ours else "server", self._now())
            self._arrived.set()

    async def _close_all(self) -> None:
        """Close what is still open; who does not answer in time is cut off."""
        closing = [asyncio.create_task(connection.close()) for connection in self._connections.values()]
        if closing:
            _, hanging = await asyncio.wait([*closing, *self._readers], timeout=self._close_s)
            for task in hanging:
                task.cancel()


class _StraightConnect(connect):
    """A `connect` that follows no redirect: whatever the backend answers to the upgrade is what there is to see."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _upgrade(sock: socket.socket, endpoint: Endpoint, handshake: Handshake) -> ClientConnection:
    """The opening handshake over a connected socket, which it closes when that fails (RFC 6455 §4.1)."""
    headers = dict(handshake.headers)
    agent = next((headers.pop(name) for name in list(headers) if name.lower() == "user-agent"), USER_AGENT)
    try:
        return await _StraightConnect(
            f"{'wss' if endpoint.tls else 'ws'}://{endpoint.host}{handshake.path}",
            sock=sock,
            ssl=endpoint.tls,
            server_hostname=endpoint.server_name if endpoint.tls else None,
            origin=None if handshake.origin is None else Origin(handshake.origin),
            subprotocols=[Subprotocol(name) for name in handshake.offered] or None,
            additional_headers=headers,
            user_agent_header=agent,
            compression=None,
            proxy=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=None,
            max_size=_MAX_FRAME_BYTES if endpoint.restraint is None else endpoint.restraint.most_bytes,
            max_queue=None,
        )
    except BaseException:
        sock.close()
        raise
