"""What a peer does, over real sockets: it is what is recorded, and names the departure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.conversation.answer import UPSTREAM_HEADER
from envparity.conversation.arrivals import MOST_UNREAD_BYTES
from envparity.conversation.driver import play
from envparity.judge.canonical import event_data
from envparity.model.backend import Backend, Carrier, ImageSource, Tokens
from envparity.model.scenario import Scenario
from envparity.model.step import (
    Close,
    Connect,
    Drop,
    Expect,
    ExpectClose,
    Flood,
    ReadOn,
    Send,
    Silence,
    StopReading,
)
from envparity.observe.transcript import Departure, HandshakeAnswered, Header, LoggedLines
from tests.envparity.conversation.one_server import (
    SHORT_S,
    departed,
    kept,
    listening,
    played,
    serving,
    silent,
    upgraded,
)


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
    answers = [transcript.events[0] for transcript in (direct, by_replica, by_ingress)]
    assert all(isinstance(answer, HandshakeAnswered) for answer in answers)
    first, second, third = (answer for answer in answers if isinstance(answer, HandshakeAnswered))
    assert (first.answered_by, first.body, first.lost) == ("replica", "Origin not allowed", ())
    assert first.sent == first.arrived
    assert {header.name: header.value for header in first.sent}["Authorization"] == "Bearer <token:valid>"
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
    assert [event.kind for event in read.events].count("received") == many
    assert [event.kind for event in unread.events].count("received") < many / 2


async def test_a_connection_that_is_dropped_is_reset_without_a_close() -> None:
    """The backend sees what it sees of a client whose network is gone, and another connection is as good as before."""
    ends: list[ConnectionClosed] = []

    async def handler(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                await connection.send(message)
            await connection.wait_closed()
        finally:
            with suppress(ConnectionClosed):
                await connection.recv()
            ends.append(connection.protocol.close_exc)

    async with serving(handler) as stack:
        transcript = await played(
            stack,
            *(Connect("valid"), Connect("valid", on="b"), Drop("a")),
            *(Send({"type": "x"}, on="b"), Expect(("x",), on="b"), Close(1000, on="b")),
            Connect("valid"),
            Close(1000),
        )
    assert transcript.departure is None
    assert [end.rcvd.code if end.rcvd else None for end in ends] == [None, 1000, 1000]


async def test_what_was_sent_to_who_did_not_read_comes_when_it_reads_on() -> None:
    """The peer had to wait meanwhile, long before the system's buffers of megabytes were full; and lost nothing."""
    frames, size = 64, 8192
    sent, waited = asyncio.Event(), asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        message = json.loads(await connection.recv())
        if message["type"] == "ask":
            with suppress(TimeoutError):
                async with asyncio.timeout(SHORT_S):
                    await sent.wait()
            await connection.send(json.dumps({"type": "waits" if not sent.is_set() else "sent"}))
            waited.set()
        else:
            for number in range(frames):
                await connection.send(json.dumps({"type": "n", "n": number, "pad": "x" * size}))
            sent.set()
        await connection.wait_closed()

    async with serving(handler) as stack:
        transcript = await played(
            stack,
            *(Connect("valid"), Connect("valid", on="b"), StopReading("a"), Send({"type": "go"})),
            *(Send({"type": "ask"}, on="b"), Expect(("waits",), on="b"), ReadOn("a")),
            *(Expect(("n",), fields={"n": number}) for number in range(frames)),
            *(Close(1000), Close(1000, on="b")),
        )
    assert transcript.departure is None
    assert waited.is_set()
