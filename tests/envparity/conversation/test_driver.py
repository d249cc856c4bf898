"""The driver, over real sockets: every phase has a deadline and a name."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request

from envparity.conversation import driving, upgrading
from envparity.launch.port import Endpoint
from envparity.model.step import (
    Close,
    Connect,
    Expect,
    ExpectClose,
    Flood,
    Send,
)
from envparity.observe.transcript import ConnectionClosed as Closed
from envparity.observe.transcript import Departure, HandshakeAnswered
from envparity.support.stalls import Deadline
from tests.envparity.conversation.one_server import (
    SHORT_S,
    OneServer,
    departed,
    kept,
    listening,
    played,
    serving,
    silent,
    upgraded,
    welcoming,
)


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
    assert [type(event) for event in transcript.events] == [HandshakeAnswered, Closed]
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
    (timeout_s,) = begun
    assert 0 < timeout_s <= SHORT_S
