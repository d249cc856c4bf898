"""Drives a conversation over real WebSockets, and does to the environment what the script asks for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.http11 import Response

from envparity.conversation import actions
from envparity.conversation.affinity import AffinityCookies
from envparity.conversation.answer import answered, upstream_of
from envparity.conversation.answering import UNSEEN, worker_of, workers_of
from envparity.conversation.contract import Contract
from envparity.conversation.handshake import Identity
from envparity.conversation.listening import Listening
from envparity.conversation.machine import Conversation
from envparity.conversation.requesting import respond_and_tell
from envparity.conversation.script import write_script
from envparity.conversation.signing_in import sign_in_at
from envparity.conversation.stage import Stage
from envparity.conversation.upgrading import upgrade
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.connecting import tcp_connection, why_not
from envparity.launch.port import HidesSecrets, LogMark, Stack
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.observe.transcript import LoggedLines, Transcript
from envparity.support.stalls import within

__all__ = ["play"]

_AFTERWARDS_S = 0.2  # how long after a failure what is logged still belongs to it
_LINGER_S = 0.5  # how long a departed conversation may go on, to show what explains it
_SWITCHING = 101


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
    signed_in = await sign_in_at(stack, scenario, backend)
    script = write_script(
        scenario,
        backend,
        stack.settings,
        endpoint.origin,
        now_s=int(time.time()),
        identity=identity,
        secrets=stack.redaction.secrets,
        prefix=endpoint.prefix,
        host=endpoint.server_name,
        tls=endpoint.tls is not None,
        signed_in=signed_in,
    )
    for dependency, command in script.revocations:
        await stack.command_dependency(dependency, command)
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
        self._affinity = AffinityCookies()
        self._marks: list[tuple[float, LogMark]] = []

    def _now(self) -> float:
        return self._clock() - self._began

    async def run(self) -> Transcript:
        try:
            while not isinstance(action := self._conversation.next(self._now()), actions.Finished):
                await self._do(action)
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
            await asyncio.gather(*self._tasks, *self._readers, return_exceptions=True)
        self._conversation.finish(self._now())
        if isinstance(self._stack, HidesSecrets):
            self._stack.hide(self._conversation.met_secrets.items())
        await self._keep_logs()
        await self._stage.restore()
        return self._conversation.transcript

    async def _do(self, action: actions.Task) -> None:
        if not isinstance(action, actions.Receive):
            self._marks.append((self._now(), await self._stack.log_mark()))
        match action:
            case actions.Open():
                await self._open(action)
            case actions.Send():
                await self._send(action)
            case actions.Close():
                self._begin(self._connections[action.connection].close(action.code))
            case actions.Request():
                await respond_and_tell(action, self._stack, self._affinity, self._conversation, self._now)
            case actions.Receive():
                self._arrived.clear()
                try:
                    waited = within if action.stretches else asyncio.timeout
                    async with waited(max(action.timeout_s, 0)):
                        await self._arrived.wait()
                except TimeoutError:
                    self._conversation.timed_out(self._now())
            case _:
                outcome = await self._stage.do(action)
                self._conversation.controlled(outcome, self._now())

    async def _keep_logs(self) -> None:
        """Where the conversation failed, have what was logged since the client's last action before that."""
        failed_s = self._conversation.failed_s
        if failed_s is None or not self._marks:
            return
        before = [mark for at_s, mark in self._marks if at_s <= failed_s]
        with contextlib.suppress(DeadlineExceeded, LaunchError):
            mark = before[-1] if before else self._marks[0][1]
            logged = await self._stack.logged_between(mark)
            servers = await self._stack.servers_logged(mark)
            self._conversation.logged(
                [
                    *(LoggedLines(f"replica {index + 1}", lines) for index, lines in enumerate(logged)),
                    *(LoggedLines(name, lines, is_replica=False) for name, lines in servers.items()),
                ]
            )

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Connecting.

    async def _open(self, action: actions.Open) -> None:
        """Connect; where another replica or worker is wanted, again and again until it is chosen."""
        restraint = self._stack.endpoint.restraint
        if restraint is not None:
            await restraint.before_connecting()
        worker: int | None = None
        missing = "no other replica answered"
        try:
            async with within(2 * action.timeout_s):  # each of connecting and upgrading has its own below
                while True:
                    before = await workers_of(self._stack) if action.worker else {}
                    connection = await self._open_once(action)
                    if connection is None:
                        return
                    replica = self._stack.replica_index(upstream_of(connection.response))
                    if action.other_than is None or not self._has_a_choice or replica != action.other_than:
                        if not action.worker:
                            break
                        worker, known = await worker_of(self._stack, replica, connection.local_address[1], before)
                        if worker is not None and (worker != action.other_worker_than or known == 1):
                            break
                        missing = "no other worker process answered" if worker is not None else UNSEEN
                    await connection.close()
        except TimeoutError:
            self._opened(action, error=missing)
            return
        self._connections[action.connection] = connection
        self._affinity.keep(action.handshake.user, connection.response)
        self._opened(action, connection.response, connection.subprotocol, worker=worker)
        reader = asyncio.create_task(self._read(action.connection, connection))
        self._readers.add(reader)

    @property
    def _has_a_choice(self) -> bool:
        """Whether another replica can answer the same client."""
        return self._stack.replica_count > 1 and self._stack.endpoint.affinity != "address"

    async def _open_once(self, action: actions.Open) -> ClientConnection | None:
        """One attempt; None when it failed, and the conversation was told how."""
        endpoint, phase = self._stack.endpoint, "connect"
        # Who is to come to another replica is another client, which has no cookie yet.
        known = "" if action.other_than is not None else self._affinity.of(action.handshake.user)
        try:
            async with within(action.timeout_s):
                sock = await tcp_connection(endpoint.address)
            phase = "accept"
            async with within(action.timeout_s):
                return await upgrade(sock, endpoint, action.handshake, known)
        except TimeoutError:
            self._conversation.timed_out(self._now(), phase)
        except InvalidStatus as refused:
            self._opened(action, refused.response)
        except InvalidMessage as error:  # not HTTP, or nothing at all before the connection was lost
            self._opened(action, error=str(error.__cause__ or error))
        except InvalidHandshake as error:
            self._opened(action, error=str(error), status=_SWITCHING)
        except OSError as error:
            self._opened(action, error=why_not(error))
        return None

    def _opened(
        self,
        action: actions.Open,
        response: Response | None = None,
        subprotocol: str | None = None,
        *,
        error: str = "",
        status: int = 0,
        worker: int | None = None,
    ) -> None:
        """Tell the conversation of an answer, or with `error` why there is none that can be understood."""
        answer = answered(
            action, self._stack, response, self._now(), subprotocol=subprotocol, error=error, status=status
        )
        self._conversation.opened(answer, worker)

    # Talking.

    async def _send(self, action: actions.Send) -> None:
        connection, restraint = self._connections[action.connection], self._stack.endpoint.restraint
        if restraint is not None:
            await restraint.before_sending()
        try:
            async with within(action.timeout_s):
                for _ in range(action.count):
                    for message in (action.message, *action.following):
                        await connection.send(message)
        except TimeoutError:
            self._conversation.timed_out(self._now())
        except ConnectionClosed:
            pass  # its reader tells how it ended
        await asyncio.sleep(0)  # a flood must not keep its answers waiting

    async def _read(self, name: str, connection: ClientConnection) -> None:
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
                await listening.hand_over(message, self._arrived)
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
