"""What a peer does to an open connection and at its end, over real sockets."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from envparity.conversation.arrivals import MOST_UNREAD_BYTES
from envparity.judge.canonical import event_data
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
from tests.envparity.conversation.one_server import (
    LONG_S,
    SHORT_S,
    departed,
    kept,
    listening,
    played,
    serving,
    silent,
    upgraded,
)


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
    assert transcript.duration_s < LONG_S / 2


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
