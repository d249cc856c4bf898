"""A server of a test's own that a stack consists of, and conversations with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request
from websockets.server import ServerProtocol

from envparity.auth.jwt_shared_key import Revocation, SharedKeyJwt
from envparity.conversation.driver import play
from envparity.errors import LaunchError
from envparity.judge.canonical import event_data
from envparity.launch.port import Endpoint, LogMark
from envparity.model.backend import Backend, Carrier, ImageSource, Phases, Tokens
from envparity.model.case import Case
from envparity.model.scenario import Scenario
from envparity.model.step import (
    Step,
)
from envparity.observe.record import Replica, SettingFingerprint
from envparity.observe.transcript import Departure, Transcript
from envparity.support.redaction import Redaction

__all__ = [
    "CARRIERS",
    "LONG_S",
    "SETTINGS",
    "SHORT_S",
    "TOKENS",
    "Handler",
    "OneServer",
    "backend",
    "departed",
    "echoing",
    "kept",
    "listening",
    "played",
    "serving",
    "silent",
    "upgraded",
    "welcoming",
]

SHORT_S = 0.3  # for what is waited for in vain

LONG_S = 10.0

SETTINGS = {"KEY": "0123456789abcdef0123456789abcdef", "ISS": "i", "AUD": "a"}

CARRIERS = (Carrier("header", header="Authorization: Bearer {token}"),)

TOKENS = Tokens(
    SharedKeyJwt("KEY", "ISS", "AUD", revocation=Revocation("redis", ("SET", "revoked:{jti}", "1"))), CARRIERS
)

Handler = Callable[[ServerConnection], Awaitable[None]]


def backend(**phases: float) -> Backend:
    deadlines = dict.fromkeys(("connect_s", "authenticate_s", "message_s", "close_s"), LONG_S) | phases
    return Backend("b", Path("b.toml"), ImageSource(), subprotocols=("v1",), tokens=TOKENS, phases=Phases(**deadlines))


class OneServer:
    """A stack whose backend is a server in this process. Counts what is done to it; `fails` names what cannot be."""

    case = Case("local", "b")
    fingerprints: tuple[SettingFingerprint, ...] = ()
    settings = SETTINGS
    timings: dict[str, float] = {}  # noqa: RUF012  never written
    redaction = Redaction()

    def __init__(self, endpoint: Endpoint, replica_count: int = 1) -> None:
        self.endpoint, self.replica_count = endpoint, replica_count
        self.done: list[str] = []
        self.commands: list[tuple[str, ...]] = []
        self.fails: set[str] = set()
        self.exit_code = 0
        self.log: list[str] = []
        self.server_log: list[str] = []

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what.partition(" ")[0] in self.fails:
            raise LaunchError(f"cannot {what}")

    def replica_index(self, upstream: str | None) -> int:
        return int(upstream or 0)

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return {}

    async def log_mark(self) -> LogMark:
        return LogMark((len(self.log),), {"redis": len(self.server_log)})

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        return {"redis": tuple(self.server_log[int(first.servers["redis"]) :])}

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        assert last is None
        return (tuple(self.log[int(first.positions[0]) :]),)

    async def until_listening(self) -> None:
        self._do("until_listening")

    async def until_decided(self) -> None:
        self._do("until_decided")

    async def observe_replica(self, index: int) -> Replica:
        return Replica(index, exit_code=self.exit_code)

    async def until_ready(self, index: int | None = None) -> None:
        self._do("until_ready")

    async def stop_replica(self, index: int) -> None:
        self._do(f"stop {index}")

    async def start_replica(self, index: int) -> None:
        self._do(f"start {index}")

    async def restart_dependency(self, name: str) -> None:
        self._do(f"restart {name}")

    async def cut_dependency(self, name: str) -> None:
        self._do(f"cut {name}")

    async def restore_dependency(self, name: str) -> None:
        self._do(f"restore {name}")

    async def command_dependency(self, name: str, command: tuple[str, ...]) -> object:
        self.commands.append((name, *command))
        self._do(f"{name} {command[0]} {command[2]}")
        return None


@asynccontextmanager
async def serving(handler: Handler, *, replicas: int = 1, **options: Any) -> AsyncIterator[OneServer]:
    """A stack with a WebSocket server that holds conversations with `handler`."""
    usual = {"subprotocols": ["v1"], "close_timeout": 0.1, "compression": None}
    async with serve(handler, "127.0.0.1", 0, **{**usual, **options}) as server:
        port = server.sockets[0].getsockname()[1]
        yield OneServer(Endpoint(("127.0.0.1", port), "localhost", None), replicas)


@asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[OneServer]:
    """A stack with a TCP server that speaks whatever `talk` does; its connections end with the test."""
    async with AsyncExitStack() as exits:

        async def held(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            exits.callback(writer.close)
            await talk(reader, writer)

        server = await asyncio.start_server(held, "127.0.0.1", 0)
        exits.callback(server.close)
        yield OneServer(Endpoint(server.sockets[0].getsockname(), "localhost", None))


async def upgraded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> ServerProtocol:
    """The server's side of a connection that was accepted, in its bare form: it answers nothing by itself."""
    protocol = ServerProtocol()
    while not isinstance(request := next(iter(protocol.events_received()), None), Request):
        protocol.receive_data(await reader.read(4096))
    protocol.send_response(protocol.accept(request))
    writer.writelines(protocol.data_to_send())
    return protocol


async def played(stack: OneServer, *steps: Step, **phases: float) -> Transcript:
    return await play(Scenario("one", "group", steps=steps), stack, backend(**phases), None)


async def departed(stack: OneServer, *steps: Step, **phases: float) -> Departure:
    transcript = await played(stack, *steps, **phases)
    assert transcript.departure is not None
    return transcript.departure


def kept(transcript: Transcript) -> list[dict[str, Any]]:
    """What happened in a conversation that kept to its script."""
    assert transcript.departure is None
    return [event_data(event) for event in transcript.events]


async def silent(connection: ServerConnection) -> None:
    """Accept, and say nothing until the client leaves."""
    async for _ in connection:
        pass


async def echoing(connection: ServerConnection) -> None:
    """Send back what comes."""
    async for message in connection:
        await connection.send(message)


async def welcoming(connection: ServerConnection) -> None:
    """Send a welcome, then echo."""
    await connection.send('{"type": "welcome"}')
    await echoing(connection)
