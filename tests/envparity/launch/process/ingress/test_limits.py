"""What an ingress refuses, and what it ends in time."""

from __future__ import annotations

import asyncio
import time

import pytest
import websockets

from envparity.launch.arrived import arrived_of
from tests.envparity.launch.process.ingress.asking import ask, bodies, get, heads, until, websocket
from tests.envparity.launch.process.ingress.bench import (
    DEADLINE_S,
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    Bench,
    Opened,
    streams,
)

pytestmark = pytest.mark.usefixtures("nothing_remembered")


@pytest.fixture(scope="module")
def hasty(bench: Bench) -> Opened:
    """One with the bench's short waits."""
    return bench.open()


def head_of(size: int, first: int = 0) -> bytes:
    """A GET whose head has `size` bytes: the first header has `first` of them, the last one what is left."""
    start = get().removesuffix(b"\r\n") + (b"f: " + b"z" * (first - 5) + b"\r\n" if first else b"")
    return start + b"x: " + b"y" * (size - len(start) - 7) + b"\r\n\r\n"


# Limits.


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (head_of(MAX_HEADER_BYTES), 200),
        (head_of(len(get()) - 2 + MAX_HEADER_BYTES), 200),
        (head_of(len(get()) - 1 + MAX_HEADER_BYTES), 400),
        (head_of(len(get()) - 2 + 500 + MAX_HEADER_BYTES, first=500), 200),
        (head_of(len(get()) - 1 + 500 + MAX_HEADER_BYTES, first=500), 400),
        (get("/" + "u" * MAX_HEADER_BYTES), 414),
    ],
    ids=["as-said", "last-byte", "one-too-many", "last-byte-after-500", "one-too-many-after-500", "target"],
)
async def test_the_head_has_the_limit_of_nginx_to_the_byte(
    bench: Bench, ingress: Opened, sent: bytes, status: int
) -> None:
    """What is too large is answered by 400, not by 431, and closed; a target that is too long by 414."""
    reply = await ask(bench, ingress, sent, ends_with=b"ok")
    assert (reply.status, reply.closed) == (status, status != 200)
    if status != 200:
        assert reply["X-Envparity-Upstream"] == "-"
        assert arrived_of(reply.headers) == ()
        assert not heads(bench)


@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_body_that_is_too_large_is_refused(bench: Bench, ingress: Opened, size: int, framing: str) -> None:
    """413 and the end of the connection, before a replica was asked; at the limit it passes, with its length."""
    body = b"x" * size
    if framing == "length":
        sent = get("/", f"Content-Length: {size}", method="POST") + body
    else:
        sent = get("/", "Transfer-Encoding: chunked", method="POST") + b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
    reply = await ask(bench, ingress, sent, ends_with=b"ok")
    assert (reply.status, reply.closed) == ((200, False) if size == MAX_BODY_BYTES else (413, True))
    assert bodies(bench) == [body] * (size == MAX_BODY_BYTES)


async def test_a_body_is_asked_for_where_the_client_waits_for_that(bench: Bench, ingress: Opened) -> None:
    """100 Continue is the ingress's own; the replica is not asked."""
    async with streams(ingress.address, bench.trust) as (reader, writer), asyncio.timeout(DEADLINE_S):
        writer.write(get("/", "Content-Length: 5", "Expect: 100-continue", method="PUT"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
    assert bodies(bench) == [b"hello"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nx: 1\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nx : 1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"\x00junk\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ],
)
async def test_what_is_no_good_request_reaches_no_replica(
    bench: Bench, ingress: Opened, sent: bytes, status: int
) -> None:
    """It is answered, and the connection closed."""
    reply = await ask(bench, ingress, sent)
    assert reply.status == status
    assert reply["Connection"] == "close"
    assert not heads(bench)


# Waiting.


async def test_silence_in_both_directions_ends_a_websocket_without_a_word(bench: Bench, hasty: Opened) -> None:
    """A frame in either direction puts it off; then the connection is closed without a close frame: 1006."""
    async with await websocket(bench, hasty) as ws:
        talking_until = time.monotonic() + 1.5 * bench.idle_s
        while time.monotonic() < talking_until:
            await asyncio.sleep(bench.idle_s / 10)
            await ws.send("still there")
            assert await ws.recv() == "still there"
        quiet_since = time.monotonic()
        with pytest.raises(websockets.ConnectionClosedError) as ended:
            await asyncio.wait_for(ws.recv(), DEADLINE_S)
    assert ended.value.rcvd is None
    assert time.monotonic() - quiet_since > bench.idle_s * 0.6
    await until(lambda: bodies(bench) == [b"the client has left"])


async def test_a_replica_that_does_not_answer_in_time_is_a_504(bench: Bench, hasty: Opened) -> None:
    """By the ingress itself, and nobody else is asked: the request may have had effects."""
    reply = await ask(bench, hasty, get("/slow"), ends_with=b"</html>\r\n")
    assert (reply.status, reply["X-Envparity-Upstream"], reply.closed) == (504, "-", False)
    assert len(heads(bench)) == 1


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHo"], ids=["nothing", "half-a-head"])
async def test_who_is_slow_to_ask_is_hung_up_on(bench: Bench, hasty: Opened, sent: bytes) -> None:
    """Without an answer, after the time for a head; more bytes do not put it off."""
    began = time.monotonic()
    reply = await ask(bench, hasty, sent)
    assert (reply.status, reply.closed) == (0, True)
    assert time.monotonic() - began > bench.header_s * 0.6
