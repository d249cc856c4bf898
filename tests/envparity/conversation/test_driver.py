"""The driver, over real sockets: every phase has a deadline and a name, and what the peer does is what is recorded."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from envparity.auth.jwt_shared_key import Revocation, SharedKeyJwt
from envparity.conversation import driving, upgrading
from envparity.conversation.answer import UPSTREAM_HEADER
from envparity.conversation.arrivals import MOST_UNREAD_BYTES
from envparity.conversation.driver import play
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.faces.reading import handshakes
from envparity.judge.canonical import event_data
from envparity.launch.port import Endpoint, LogMark
from envparity.launch.workers import Accepted, Workers
from envparity.model.backend import Backend, Carrier, ImageSource, Phases, Tokens
from envparity.model.case import Case
from envparity.model.scenario import Scenario
from envparity.model.step import (
    BlackHole,
    Close,
    Connect,
    Cut,
    DisturbsDependency,
    Expect,
    ExpectClose,
    Flood,
    HangUp,
    JumpClock,
    Restart,
    RestartAll,
    RestartReplicas,
    Restore,
    Rotate,
    Send,
    Silence,
    Slow,
    StartReplica,
    Step,
    Stopped,
    StopReplica,
    Throttle,
    UntilReady,
    action_of,
)
from envparity.observe.disturbed import Attempt, OutageSeen
from envparity.observe.record import Replica, SettingFingerprint
from envparity.observe.transcript import ConnectionClosed as Closed
from envparity.observe.transcript import Departure, HandshakeAnswered, Header, LoggedLines, Transcript
from envparity.redaction import Redaction
from envparity.support.stalls import Deadline

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


async def test_a_conversation_is_played_and_recorded() -> None:
    """Handshake, frames in both directions, close: with their times in order, and who closed."""
    async with serving(welcoming) as stack:
        transcript = await played(
            stack, Connect("valid"), Expect(("welcome",)), Send({"type": "ping"}), Expect(("ping",)), Close(1000)
        )
    assert kept(transcript) == [
        {"status": 101, "subprotocol": "v1"},
        {"type": "welcome"},
        {"type": "ping"},
        {"type": "ping"},
        {"code": 1000, "reason": "", "by": "client"},
    ]
    times = [event.at_s for event in transcript.events]
    assert times == sorted(times)
    assert [event.phase for event in transcript.events] == ["accept", "authenticate", "message", "message", "close"]


async def test_the_token_goes_where_its_carrier_says() -> None:
    """With the Origin and the other headers of the step, and the path's query."""
    seen: list[Request] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request)

    async with serving(handler) as stack:
        step = Connect("valid", origin="allowed", headers={"User-Agent": "pytest", "X-Test": "1"}, query="a=b")
        kept(await played(stack, step, ExpectClose(1000)))
    (request,) = seen
    assert request.path == "/ws?a=b"
    assert request.headers["Authorization"].startswith("Bearer ey")
    assert request.headers.get_all("User-Agent") == ["pytest"]
    assert request.headers.get_all("Host") == ["localhost"]
    assert (request.headers["Origin"], request.headers["X-Test"]) == ("http://localhost", "1")


# Every phase has a deadline and a name.


async def test_a_connection_that_is_not_accepted_is_the_phase_connect() -> None:
    """A full backlog swallows the SYN: nothing refuses it, and nothing answers."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as exits:
        listener = exits.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = exits.enter_context(socket.socket())
            filler.setblocking(False)
            task = loop.create_task(loop.sock_connect(filler, listener.getsockname()))
            exits.callback(task.cancel)
        await asyncio.sleep(0)
        stack = OneServer(Endpoint(listener.getsockname(), "localhost", None))
        departure = await departed(stack, Connect("valid"), connect_s=SHORT_S)
    assert departure == Departure(0, "timeout", "connect: a TCP connection within 0.3 s", "nothing", "a")


async def test_an_upgrade_that_is_not_answered_is_the_phase_accept() -> None:
    """The connection is there, the answer is not."""

    async def mute(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None: ...

    async with listening(mute) as stack:
        departure = await departed(stack, Connect("valid"), connect_s=SHORT_S)
    assert departure == Departure(0, "timeout", "accept: the answer to the upgrade within 0.3 s", "nothing", "a")


async def test_a_welcome_that_does_not_come_is_the_phase_authenticate() -> None:
    """The deadline is the phase's own, unless the step has another."""
    async with serving(silent) as stack:
        departure = await departed(stack, Connect("valid"), Expect(("welcome",)), authenticate_s=SHORT_S)
        assert departure == Departure(1, "timeout", "authenticate: welcome within 0.3 s", "nothing", "a")
        departure = await departed(stack, Connect("valid"), Expect(("welcome",), within_s=0.1))
        assert departure.expected == "authenticate: welcome within 0.1 s"


async def test_an_answer_that_does_not_come_is_the_phase_message() -> None:
    """Once the first expectation was met."""

    async def handler(connection: ServerConnection) -> None:
        await connection.send('{"type": "welcome"}')
        await silent(connection)

    async with serving(handler) as stack:
        steps = Connect("valid"), Expect(("welcome",)), Send({"type": "ping"}), Expect(("pong",))
        departure = await departed(stack, *steps, message_s=SHORT_S)
    assert departure == Departure(3, "timeout", "message: pong within 0.3 s", "nothing", "a")


async def test_a_peer_that_reads_nothing_is_the_phase_message() -> None:
    """What cannot be sent is a hang like any other."""
    release = asyncio.Event()

    async def handler(_connection: ServerConnection) -> None:
        await release.wait()

    async with serving(handler, max_queue=1) as stack:
        flood = Flood({"type": "ping", "text": "x" * 100_000}, 1000)
        departure = await departed(stack, Connect("valid"), flood, message_s=SHORT_S, close_s=SHORT_S)
        release.set()
    assert departure == Departure(1, "timeout", "message: room to send within 0.3 s", "nothing", "a")


async def test_a_close_that_is_not_answered_is_the_phase_close() -> None:
    """Whether the client waits for the peer's close or for the echo of its own."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgraded(reader, writer)
        await reader.read()

    async with listening(handler) as stack:
        no_subprotocol = Connect("valid", subprotocol="")
        departure = await departed(stack, no_subprotocol, ExpectClose(1000), close_s=SHORT_S)
        assert departure == Departure(1, "timeout", "close: close 1000 within 0.3 s", "nothing", "a")
        departure = await departed(stack, no_subprotocol, Close(1000), close_s=SHORT_S)
        assert departure == Departure(1, "timeout", "close: close 1000, echoed within 0.3 s", "nothing", "a")


# What the peer does.


async def test_a_refused_handshake_is_its_status() -> None:
    """An expected one is kept to; any other departs. A redirect is not followed."""

    def refuse(status: int, **headers: str) -> Callable[[ServerConnection, Request], Response]:
        def respond(connection: ServerConnection, _request: Request) -> Response:
            response = connection.respond(status, "no\n")
            response.headers.update(headers)
            return response

        return respond

    async with serving(silent, process_request=refuse(403)) as stack:
        assert kept(await played(stack, Connect("none", status=403)))[0]["status"] == 403
        departure = await departed(stack, Connect("valid"))
        assert departure == Departure(0, "handshake", "101 with subprotocol v1", "HTTP status 403", "a")
    async with serving(silent, process_request=refuse(302, Location="/elsewhere")) as stack:
        assert (await departed(stack, Connect("valid"))).got == "HTTP status 302"


async def test_a_refusal_is_recorded_with_who_answered_and_the_headers_on_both_sides() -> None:
    """Through an ingress, by what that says; without one all arrives. A token is nowhere, in any of them."""

    def refuse(connection: ServerConnection, request: Request) -> Response:
        stack.log.append(f"who is {request.headers['Authorization']}?")
        response = connection.respond(403, "Origin not allowed")
        response.headers.update(through)
        return response

    through = {UPSTREAM_HEADER: "1", "X-Envparity-Answered": "yes", "X-Envparity-Arrived-Origin": "http://localhost"}
    async with serving(silent, process_request=refuse) as stack:
        direct = await played(stack, Connect("valid", origin="allowed", headers={"X_Ticket": "1"}))
        stack.endpoint = replace(stack.endpoint, hops="ingress")
        by_replica = await played(stack, Connect("valid", origin="allowed", headers={"X_Ticket": "1"}))
        through = {UPSTREAM_HEADER: "-"}
        by_ingress = await played(stack, Connect("valid"))
    answers = [one.events[0] for one in (direct, by_replica, by_ingress)]
    assert all(isinstance(one, HandshakeAnswered) for one in answers)
    first, second, third = (one for one in answers if isinstance(one, HandshakeAnswered))
    assert (first.answered_by, first.body, first.lost) == ("replica", "Origin not allowed", ())
    assert first.sent == first.arrived
    assert {one.name: one.value for one in first.sent}["Authorization"] == "Bearer <token:valid>"
    assert (second.answered_by, second.replica) == ("replica", 1)
    assert second.arrived == (Header("Origin", "http://localhost"),)
    assert {"X_Ticket", "Authorization"} <= set(second.lost)
    assert (third.answered_by, third.replica, third.arrived) == ("ingress", None, None)
    assert direct.logged == (LoggedLines("replica 1", ("who is Bearer <token:valid>?",)),)


async def test_what_was_logged_from_the_last_action_until_shortly_after_a_failure_is_kept() -> None:
    """Not what was before; of 1011 what was around it, whatever came later; and nothing where nothing failed."""

    async def talk(client: ServerConnection) -> None:
        stack.log.append("accepted")
        async for _ in client:
            stack.log.append("it broke")
            stack.server_log.append("out of memory")
            await client.close(1011)
            stack.log.append("a moment later")

    async with serving(talk) as stack:
        stack.log.append("started")
        kept_to = await played(stack, Connect("valid"), Close(1000))
        failed = await played(stack, Connect("valid"), Send({"type": "x"}), ExpectClose(1011))
    assert kept_to.logged == ()
    replica, server = failed.logged
    assert replica == LoggedLines("replica 1", ("it broke", "a moment later"))
    assert server == LoggedLines("redis", ("out of memory",), is_replica=False)


async def test_nobody_there_is_a_handshake_without_an_answer() -> None:
    """A refused connection is told as what it is."""
    async with serving(silent) as stack:
        gone = stack
    assert (await departed(gone, Connect("valid"))).got == "no HTTP answer: Connection refused"


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (b"", "no HTTP answer: "),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP answer: "),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "101 with no subprotocol: "),
    ],
)
async def test_an_answer_that_is_no_websocket_is_told_as_such(answer: bytes, got: str) -> None:
    """Nothing at all, no HTTP, or an upgrade to something else."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with listening(handler) as stack:
        departure = await departed(stack, Connect("valid"))
    assert departure.kind == "handshake"
    assert departure.got.startswith(got)
    assert len(departure.got) > len(got)


async def test_a_subprotocol_that_was_not_offered_departs_without_showing_the_token() -> None:
    """A server that selects the token's own subprotocol quotes the token."""
    carriers = (Carrier("subprotocol", subprotocol="jwt.{token_base64url}"),)
    tokens = Tokens(SharedKeyJwt("KEY", "ISS", "AUD"), carriers=carriers)
    subject = Backend("b", Path("b.toml"), ImageSource(), tokens=tokens)

    def select(_connection: ServerConnection, offered: Any) -> Any:
        return offered[0]

    async with serving(silent, select_subprotocol=select) as stack:
        transcript = await play(Scenario("one", steps=(Connect("valid"),)), stack, subject, None)
    assert transcript.departure is not None
    assert transcript.departure.got == "101 with subprotocol jwt.<token:valid>"
    assert event_data(transcript.events[0])["subprotocol"] == "jwt.<token:valid>"


async def test_the_peers_close_is_told_with_its_code_and_reason() -> None:
    """And a connection that is just cut, as 1006."""

    async def handler(connection: ServerConnection) -> None:
        await connection.close(1013, "starting")

    async def cutting(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with serving(handler) as stack:
        told = kept(await played(stack, Connect("valid"), ExpectClose(1013, "starting")))
        assert told[-1] == {"code": 1013, "reason": "starting", "by": "server"}
    async with serving(cutting) as stack:
        told = kept(await played(stack, Connect("valid"), ExpectClose(1006)))
        assert told[-1] == {"code": 1006, "reason": "", "by": "server"}


async def test_when_both_close_at_once_the_peers_code_is_the_peers() -> None:
    """A close that crosses ours on its way is no echo of it."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = await upgraded(reader, writer)
        await reader.read(4096)  # the client's close, which the protocol is not shown
        protocol.send_close(1001, "shutdown")
        writer.writelines(protocol.data_to_send())
        writer.close()

    async with listening(handler) as stack:
        transcript = await played(stack, Connect("valid", subprotocol=""), Close(1000))
    assert event_data(transcript.events[-1]) == {"code": 1001, "reason": "shutdown", "by": "server"}
    assert transcript.departure is not None
    assert transcript.departure.got == "close 1001 'shutdown' by the server"


async def test_sending_on_a_closed_connection_is_told_by_the_close() -> None:
    """Not by an exception: the close arrives first, or instead of the answer."""

    async def handler(connection: ServerConnection) -> None:
        await connection.close(1008, "no")

    async with serving(handler) as stack:
        departure = await departed(stack, Connect("valid"), Silence(0.1), Send({"type": "ping"}), Expect(("pong",)))
        assert departure.got == "close 1008 'no' by the server"
        flood = Flood({"type": "ping"}, 500)
        kept(await played(stack, Connect("valid"), flood, ExpectClose(1008, "no")))


async def test_what_explains_a_departure_is_waited_for() -> None:
    """The close that follows an unexpected error frame is in the transcript, though nobody asked for it."""

    async def handler(connection: ServerConnection) -> None:
        await connection.send('{"type": "error"}')
        await asyncio.sleep(0.1)
        await connection.close(1013, "startup_failed:postgres")

    async with serving(handler) as stack:
        transcript = await played(stack, Connect("valid"), Expect(("welcome",)))
    assert transcript.departure is not None
    assert transcript.departure.kind == "frame"
    assert event_data(transcript.events[-1]) == {"code": 1013, "reason": "startup_failed:postgres", "by": "server"}


async def test_a_frame_too_many_departs_though_the_script_is_over() -> None:
    """What was sent before the close is read before the conversation is called kept."""

    async def handler(connection: ServerConnection) -> None:
        await connection.send('{"type": "welcome"}')
        await connection.send('{"type": "welcome"}')
        await silent(connection)

    async with serving(handler) as stack:
        departure = await departed(stack, Connect("valid"), Expect(("welcome",)))
    assert (departure.kind, departure.expected) == ("frame", "nothing more")


async def test_a_peer_that_hangs_in_the_end_holds_nobody_up() -> None:
    """The script is kept; the connection is cut off after the phase's deadline."""
    release = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await release.wait()

    async with serving(handler) as stack:
        transcript = await played(stack, Connect("valid"), close_s=SHORT_S)
        release.set()
    assert transcript.departure is None
    assert transcript.duration_s < 2


# Replicas, TLS and the stack.


@asynccontextmanager
async def two_replicas(turns: list[str]) -> AsyncIterator[OneServer]:
    """An ingress that goes through `turns`, and says which it was."""

    def name(_connection: ServerConnection, _request: Request, response: Response) -> None:
        response.headers[UPSTREAM_HEADER] = turns.pop(0) if len(turns) > 1 else turns[0]

    async with serving(welcoming, replicas=2, process_response=name) as stack:
        yield stack


async def test_no_more_is_taken_from_a_connection_than_may_wait_for_a_step() -> None:
    """Whoever sends more waits until a step takes it; what still waits when the connection is closed is not kept."""
    many = 4 * MOST_UNREAD_BYTES // 1_000_000
    megabyte = json.dumps({"type": "more", "text": "x" * 1_000_000})

    async def floods(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            for _ in range(many):
                await connection.send(megabyte)
            await connection.recv()

    taken = tuple(Expect(("more",)) for _ in range(many))
    async with serving(floods) as stack:
        read = await played(stack, Connect("valid"), *taken)
        unread = await played(stack, Connect("valid"), Expect(("never",)))
    assert read.departure is None
    assert [one.kind for one in read.events].count("received") == many
    assert [one.kind for one in unread.events].count("received") < many / 2


async def test_another_replica_is_tried_for_until_it_answers() -> None:
    """The ingress chooses; the client knocks until it chose another."""
    async with two_replicas(["0", "0", "0", "1"]) as stack:
        transcript = await played(
            stack,
            Connect("valid"),
            Connect("valid", on="b", other_replica_than="a"),
            Expect(("welcome",)),
            Expect(("welcome",), on="b"),
        )
    assert transcript.departure is None
    assert [handshake.replica for handshake in handshakes(transcript)] == [0, 1]


async def test_another_replica_that_never_answers_departs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the deadline of connecting and the patience for chance."""
    monkeypatch.setattr("envparity.conversation.opening._PATIENCE_S", 0.0)
    async with two_replicas(["0"]) as stack:
        departure = await departed(
            stack,
            Connect("valid"),
            Expect(("welcome",)),
            Connect("valid", on="b", other_replica_than="a"),
            connect_s=2.0,
        )
    assert departure.got == "no HTTP answer: no other replica answered"


async def test_another_replica_is_tried_for_longer_than_two_deadlines_of_connecting() -> None:
    """Of two replicas one is not met in five attempts once in thirty conversations."""
    async with two_replicas(["0"] * 7 + ["1"]) as stack:
        steps = (Connect("valid"), Expect(("welcome",)), Connect("valid", on="b", other_replica_than="a"))
        transcript = await played(stack, *steps, Expect(("welcome",), on="b"), connect_s=1.0)
    assert [handshake.replica for handshake in handshakes(transcript)] == [0, 1]


async def test_where_there_is_one_replica_the_same_will_do() -> None:
    """Environments of different size play the same scenario."""
    async with serving(welcoming) as stack:
        second = Connect("valid", on="b", other_replica_than="a")
        kept(await played(stack, Connect("valid"), second, Expect(("welcome",)), Expect(("welcome",), on="b")))


class SeenServer(OneServer):
    """A stack of which can be seen which of its processes answers: each new connection the next of `turns`."""

    def __init__(self, endpoint: Endpoint, turns: list[int]) -> None:
        super().__init__(endpoint)
        self.turns, self.answering = turns, dict[Accepted, int]()

    async def workers(self, replica: int) -> Workers | None:
        assert replica == 0
        return Workers(frozenset(self.turns), dict(self.answering))


@asynccontextmanager
async def worker_processes(turns: list[int]) -> AsyncIterator[SeenServer]:
    """A server whose connections are answered by these processes, one after the other, the last from then on."""
    count = 0

    def answer(connection: ServerConnection, _request: Request, _response: Response) -> None:
        nonlocal count
        peer = connection.remote_address[1]
        seen.answering[Accepted(count, peer)] = turns[min(count, len(turns) - 1)]
        count += 1

    async with serving(welcoming, process_response=answer) as stack:
        seen = SeenServer(stack.endpoint, turns)
        yield seen


TWO_WORKERS = (
    Connect("valid"),
    Connect("valid", on="b", other_worker_than="a"),
    Expect(("welcome",)),
    Expect(("welcome",), on="b"),
)


@pytest.mark.parametrize(("turns", "connections"), [([7, 7, 7, 9], 4), ([7, 9], 2), ([7], 2)])
async def test_another_worker_process_is_tried_for_until_it_answers(turns: list[int], connections: int) -> None:
    """Where there is one alone, it will do."""
    async with worker_processes(turns) as stack:
        kept(await played(stack, *TWO_WORKERS))
        assert len(stack.answering) == connections


async def test_another_worker_process_that_never_answers_departs() -> None:
    """Another one listens, and is never chosen."""
    async with worker_processes([7, 7]) as stack:
        stack.turns = [7, 9]
        departure = await departed(stack, TWO_WORKERS[0], TWO_WORKERS[2], TWO_WORKERS[1], connect_s=2.0)
    assert departure.got == "no HTTP answer: no other worker process answered"


async def test_workers_that_nobody_can_see_depart() -> None:
    """A stack that does not show them."""
    async with serving(welcoming) as stack:
        departure = await departed(stack, *TWO_WORKERS, connect_s=2.0)
    assert departure.got == "no HTTP answer: which worker process answers cannot be seen"


async def test_tls_asks_for_the_host_while_connecting_to_the_address(tmp_path: Path) -> None:
    """SNI, certificate and Host header are the ingress's name; the address is where it happens to listen."""
    server_tls, client_tls = _certified(tmp_path, "api.example")
    names: list[str | None] = []
    server_tls.sni_callback = lambda _socket, name, _context: names.append(name)
    hosts: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        hosts.append(connection.request.headers["Host"])
        await silent(connection)

    async with serving(handler, ssl=server_tls) as stack:
        stack.endpoint = Endpoint(stack.endpoint.address, "api.example", client_tls)
        kept(await played(stack, Connect("valid"), Close(1000), connect_s=5))
        assert (names, hosts) == (["api.example"], ["api.example"])
        stack.endpoint = Endpoint(stack.endpoint.address, "other.example", client_tls)
        departure = await departed(stack, Connect("valid"), connect_s=5)
    assert departure.kind == "handshake"
    assert "certificate" in departure.got.lower()


def _certified(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server that is called `host`, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
    return server, client


async def test_a_token_is_revoked_before_the_scenario_begins() -> None:
    """By the backend file's own command."""
    async with serving(silent) as stack:
        kept(await played(stack, Connect("revoked")))
    assert stack.done == ["redis SET 1"]


async def test_the_environment_is_done_to_as_the_script_says() -> None:
    """In its order, but that stopping goes on beside the conversation."""
    async with serving(silent) as stack:
        told = kept(
            await played(
                stack,
                Connect("valid"),
                Restart("postgres"),
                Cut("redis"),
                Restore("redis"),
                UntilReady(),
                StopReplica("a"),
                Stopped("a"),
                StartReplica("a"),
            )
        )
    assert stack.done == ["restart postgres", "cut redis", "restore redis", "until_ready", "stop 0", "start 0"]
    assert told[-2]["stopped"] == "a"
    assert told[-2]["exit_code"] == 0
    assert told[-2]["seconds"] < 1


async def test_what_was_cut_and_stopped_is_brought_back_after_a_departure() -> None:
    """The scenarios that follow find the environment as it was, even where bringing it back fails in part."""
    async with serving(silent) as stack:
        stack.fails = {"stop", "restore"}
        await departed(
            stack, Connect("valid"), Cut("redis"), StopReplica("a"), Expect(("welcome",)), authenticate_s=SHORT_S
        )
    assert stack.done == ["cut redis", "stop 0", "restore redis", "start 0"]


async def test_rotated_keys_are_those_of_before_behind_the_scenario() -> None:
    """Each rotation brings up the next key; what was published before it stays where that is asked for."""
    async with serving(silent) as stack:
        kept(await played(stack, Connect("valid"), Rotate("idp"), Rotate("idp", keep=True), Rotate("other", keep=True)))
    assert stack.commands == [
        ("idp", "rotate", "1", "1"),
        ("idp", "rotate", "2", "1"),
        ("other", "rotate", "1", "0"),
        ("idp", "rotate", "0", "0"),
        ("other", "rotate", "0", "0"),
    ]


class DisturbedServer(OneServer):
    """One whose dependencies can be disturbed; the backend does not answer once that was."""

    throttled: float | None = None

    async def disturb_dependency(self, step: DisturbsDependency) -> None:
        self._do(f"{action_of(step)} {step.dependency}")

    def outages(self, name: str) -> tuple[OutageSeen, ...]:
        return (OutageSeen(9.0), OutageSeen(1.0, (Attempt(0.1, 0), Attempt(0.3, None)), connected_s=0.2))

    async def readiness(self) -> tuple[int | None, ...]:
        return (200, None)

    async def throttle_replica(self, index: int, share: float, for_s: float) -> None:
        self.throttled = share
        try:
            await asyncio.Event().wait()
        finally:
            self.throttled = None
            self._do(f"throttle {index}")

    async def jump_clock(self, index: int, by_s: float) -> None:
        self._do(f"clock {index} {by_s:+g}")

    async def restart_all(self, *, dependencies: bool) -> None:
        self._do(f"restart {'all' if dependencies else 'replicas'}")


async def test_what_is_disturbed_is_undone_and_told_with_what_was_seen_of_it() -> None:
    """Ended after its seconds, or behind the scenario; who tried to connect is told of where a proxy sees it."""
    async with serving(welcoming) as server:
        stack = DisturbedServer(server.endpoint)
        steps = (
            Connect("valid"),
            HangUp("redis", for_s=0.05),
            JumpClock("a", -5),
            Throttle("a", for_s=9),
            RestartAll(5),
            RestartReplicas(2),
            Slow("postgres", by_s=1),
            Expect(("welcome",)),
            Close(1000),
        )
        transcript = await played(stack, *steps)
    kept(transcript)
    assert stack.done == [
        *("hang_up redis", "restore redis", "clock 0 -5", "restart all", "restart replicas", "restart replicas"),
        *("slow postgres", "throttle 0", "restore postgres"),
    ]
    told = {one.action: one for one in transcript.disturbed}
    assert list(told) == ["hang_up", "jump_clock", "throttle", "restart_all", "restart_replicas", "slow"]
    assert told["hang_up"].outage is not None
    assert told["hang_up"].outage.tried == 2
    assert round(told["hang_up"].ended_s - told["hang_up"].began_s, 3) >= 0.05  # each is said to a millisecond
    assert [one.outage for one in transcript.disturbed].count(None) == 5
    assert transcript.readiness == ()


async def test_who_leaves_the_script_after_a_disturbance_is_asked_for_readiness() -> None:
    """At that moment: later somebody has undone what was done."""
    async with serving(silent) as server:
        stack = DisturbedServer(server.endpoint)
        transcript = await played(
            stack, Connect("valid"), BlackHole("redis"), Expect(("welcome",)), authenticate_s=SHORT_S
        )
        assert transcript.departure is not None
        assert transcript.readiness == (200, None)
        assert (await played(stack, Connect("valid"), Expect(("welcome",)), authenticate_s=SHORT_S)).readiness == ()
        refused = await departed(server, Connect("valid"), BlackHole("redis"))
        assert refused.got == "nothing can be disturbed here: black_hole"


async def test_an_environment_that_fails_departs() -> None:
    """With what the launcher said."""
    async with serving(silent) as stack:
        stack.fails = {"until_ready"}
        departure = await departed(stack, Connect("valid"), UntilReady())
        assert departure == Departure(1, "control", "until_ready", "cannot until_ready", "")
        departure = await departed(stack, Connect("valid"), Stopped("a"))
        assert departure.got == "replica 0 was not stopped before"


async def test_a_replica_that_takes_too_long_to_end_departs() -> None:
    """Longer than the phase allows is too long, even if it ended by itself."""

    class Slow(OneServer):
        async def stop_replica(self, index: int) -> None:
            await super().stop_replica(index)
            await asyncio.sleep(0.05)

    async with serving(silent) as stack:
        slow = Slow(stack.endpoint)
        departure = await departed(slow, Connect("valid"), StopReplica("a"), Stopped("a"), stop_s=0.01)
    assert departure.kind == "control"
    assert departure.got.startswith("waited 0.01 s for replica 0 to end after SIGTERM: it took 0.0")


async def test_cancelled_it_leaves_no_task_and_no_connection_behind() -> None:
    """Ctrl-C at any moment."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        try:
            await connection.recv()
            asked.set()
            await connection.recv()
        except ConnectionClosed:
            gone.set()

    async with serving(handler) as stack:
        before = asyncio.all_tasks()
        steps = (Connect("valid"), Send({"type": "ping"}), Silence(60))
        playing = asyncio.create_task(played(stack, *steps))
        async with asyncio.timeout(2):
            await asked.wait()
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        async with asyncio.timeout(2):
            await gone.wait()
        left = {task for task in asyncio.all_tasks() - before if "conversation" in str(task.get_coro())}
        assert left == set()


async def test_a_replica_can_be_started_that_was_not_stopped() -> None:
    """It may have ended by itself."""
    async with serving(silent) as stack:
        kept(await played(stack, Connect("valid"), StartReplica("a")))
    assert stack.done == ["start 0"]


async def test_deadlines_of_the_launcher_depart_too() -> None:
    """A wait that took too long is told in its own words."""

    class Slow(OneServer):
        async def restart_dependency(self, name: str) -> None:
            raise DeadlineExceeded(f"{name} to restart", 15)

    async with serving(silent) as stack:
        slow = Slow(stack.endpoint)
        departure = await departed(slow, Connect("valid"), Restart("postgres"))
    assert departure == Departure(1, "control", "restart postgres", "waited 15 s for postgres to restart", "")


async def accepted(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], frames: Iterator[bytes]) -> None:
    """Accept a client, and send it these frames as long as it takes them, whatever it says."""
    reader, writer = connection
    await upgraded(reader, writer)
    with suppress(OSError):
        for frame in frames:
            writer.write(frame)
            await writer.drain()
            await asyncio.sleep(0)


async def test_a_message_without_end_ends_with_what_a_message_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at a deadline: the client gives it up, and cuts off who goes on all the same."""
    monkeypatch.setattr(upgrading, "_MAX_FRAME_BYTES", 1 << 20)
    piece = bytes([0x00, 127]) + (65536).to_bytes(8, "big") + b"x" * 65536

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accepted((reader, writer), itertools.chain([b"\x01\x01x"], itertools.repeat(piece)))

    async with listening(endless) as stack:
        transcript = await played(stack, Connect("valid", subprotocol=""), Expect(("never",)))
    assert [type(one) for one in transcript.events] == [HandshakeAnswered, Closed]
    closed = transcript.events[-1]
    assert isinstance(closed, Closed)
    assert (closed.code, closed.by, closed.reason) == (1006, "client", "closed with 1009")


async def test_what_arrives_all_the_time_gives_a_phase_no_new_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that the step lets pass, as quickly as they are taken, on a machine that stretches every deadline."""
    begun: list[float] = []

    def deadline(timeout_s: float) -> Deadline:
        begun.append(timeout_s)
        return Deadline(timeout_s)

    monkeypatch.setattr(driving, "Deadline", deadline)
    noise = b'{"type": "noise"}'

    async def noisy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accepted((reader, writer), itertools.repeat((bytes([0x81, len(noise)]) + noise) * 100))

    async with listening(noisy) as stack:
        steps = Connect("valid", subprotocol=""), Expect(("never",), skip=("noise",))
        departure = await departed(stack, *steps, authenticate_s=SHORT_S, close_s=SHORT_S)
    assert departure == Departure(1, "timeout", "authenticate: never within 0.3 s", "nothing", "a")
    assert begun == [pytest.approx(SHORT_S, abs=0.1)]
