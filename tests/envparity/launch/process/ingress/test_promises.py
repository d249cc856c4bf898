"""What an ingress promises, held to by the one in Python here, and by nginx in its image under the marker `docker`.

What differs between them, and stays so:

- Python answers 502 where a replica speaks no HTTP; nginx passes it on as HTTP/0.9.
- Python refuses bytes beyond ASCII in a request's target (400), and says nothing to an HTTP/0.9 request but closes in
  time; nginx passes the first on and answers the second with a bare page.
- A chunked answer keeps the replica's chunks in Python; nginx makes its own. The bytes in them are the same.
- A chunked request that is too large may have been begun at a replica before it is refused with 413.
- nginx ends a client that offers only other protocols by ALPN; Python goes on without one.
- nginx writes to the client and to the replica with timers that may lag by up to 300 ms.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
import time
from collections.abc import Callable, Iterator

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from envparity.launch.arrived import arrived_of
from envparity.launch.process.ingress.nginx import find_nginx
from tests.envparity.launch.process.ingress.bench import (
    DEADLINE_S,
    HOST,
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    Bench,
    Opened,
    bench_of,
    opened_iterator,
    streams,
)

# A machine that has nginx of its own has it held to the promises too, for it is the one that the launcher takes.
INSTALLED = ["installed"] if find_nginx() else []
KINDS = ["python", *INSTALLED, pytest.param("nginx", marks=pytest.mark.docker)]
KEY = base64.b64encode(b"sixteen bytes --").decode()


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from opened_iterator(bench_of(request.param))


@pytest.fixture(scope="module")
def ingress(bench: Bench) -> Opened:
    """The one that most tests ask: TLS, and however busy the machine is, no wait is too long."""
    return bench.open(patient=True)


@pytest.fixture(scope="module")
def hasty(bench: Bench) -> Opened:
    """One with the bench's short waits."""
    return bench.open()


@pytest.fixture(autouse=True)
def nothing_remembered(bench: Bench) -> None:
    for replica in bench.replicas:
        replica.heads.clear()
        replica.bodies.clear()


class Reply:
    """An HTTP answer, and whether the connection was closed after it."""

    def __init__(self, data: bytes, *, closed: bool) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(self.line.split()[1]) if data else 0
        self.headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        self.closed = closed

    def __getitem__(self, name: str) -> str:
        (value,) = [value for header, value in self.headers if header == name]
        return str(value)


async def ask(bench: Bench, ingress: Opened, *sent: bytes, ends_with: bytes = b"") -> Reply:
    """Send, piece after piece, and read until the end: of the connection, or with those bytes."""
    async with streams(ingress.address, bench.trust) as (reader, writer), asyncio.timeout(DEADLINE_S):
        for piece in sent:
            writer.write(piece)
            await writer.drain()
        data = b""
        while not (ends_with and data.endswith(ends_with)):
            more = await reader.read(65536)
            data += more
            if not more:
                return Reply(data, closed=True)
        return Reply(data, closed=False)


def get(path: str = "/", *headers: str, method: str = "GET", host: str = HOST) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def head_of(size: int, first: int = 0) -> bytes:
    """A GET whose head has `size` bytes: the first header has `first` of them, the last one what is left."""
    start = get().removesuffix(b"\r\n") + (b"f: " + b"z" * (first - 5) + b"\r\n" if first else b"")
    return start + b"x: " + b"y" * (size - len(start) - 7) + b"\r\n\r\n"


def heads(bench: Bench) -> list[bytes]:
    """What the replicas were asked, one after the other."""
    return [head for replica in bench.replicas for head in replica.heads]


def bodies(bench: Bench) -> list[bytes]:
    return [body for replica in bench.replicas for body in replica.bodies]


async def until(is_so: Callable[[], bool]) -> None:
    """Return as soon as what the replicas have seen is as expected."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110  the replicas live on another loop
            await asyncio.sleep(0.005)


def asked(bench: Bench) -> list[str]:
    """The lines of the one head that a replica got."""
    (head,) = heads(bench)
    return head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")


async def websocket(bench: Bench, ingress: Opened, path: str = "/ws") -> ClientConnection:
    host, port = ingress.address
    return await websockets.connect(
        f"wss://{HOST}{path}", host=host, port=port, ssl=bench.trust, proxy=None, ping_interval=None, max_size=None,
        compression=None,
    )  # fmt: skip


# What is said to the replica, and to the client.


def told(name: str) -> bool:
    """Whether a header is one that tells of the request as the replica got it."""
    return name.startswith(("X-Envparity-Answered", "X-Envparity-Arrived"))


async def test_the_replica_is_told_who_asks_and_nothing_that_the_client_claims(bench: Bench, ingress: Opened) -> None:
    """Forwarding headers are the ingress's own, hop-by-hop ones end here, and the rest passes in its order and case."""
    lies = ["Forwarded: evil", "X-Forwarded-For: evil", "x-real-ip: evil", "X-Forwarded-Proto: gopher"]
    hops = ["TE: trailers", "Keep-Alive: 3", "Connection: keep-alive, x-b"]
    rest = ["x-b: 2", "Cookie: a", "X-B:  spaces ", "Cookie: b", "With_underscore: dropped", "X-Envparity-Upstream: q"]
    await ask(bench, ingress, get("/headers", *lies, *hops, *rest, host=f"{HOST}:8443"), ends_with=b"\r\n\r\n")
    lines = asked(bench)
    seen = str(ipaddress.ip_address(lines[2].removeprefix("X-Forwarded-For: ")))
    assert seen == "127.0.0.1" or bench.kind == "nginx", "an engine may stand between"
    assert lines == [
        "GET /headers HTTP/1.1",
        f"Host: {HOST}:8443",
        f"X-Forwarded-For: {seen}",
        "X-Forwarded-Proto: https",
        f"X-Forwarded-Host: {HOST}:8443",
        "X-Forwarded-Port: 8443",
        f"X-Real-IP: {seen}",
        "x-b: 2",
        "Cookie: a",
        "X-B: spaces",
        "Cookie: b",
        "X-Envparity-Upstream: q",
    ]


async def test_an_upgrade_is_forwarded_as_one(bench: Bench, ingress: Opened) -> None:
    """Upgrade as it came, Connection as nginx writes it, and the port of the scheme where Host names none."""
    upgrade = ["Upgrade: websocket", "Connection: keep-alive, Upgrade", f"Sec-WebSocket-Key: {KEY}"]
    reply = await ask(bench, ingress, get("/ws", *upgrade, "Sec-WebSocket-Version: 13"), ends_with=b"\r\n\r\n")
    assert reply.line == "HTTP/1.1 101 Switching Protocols"
    assert [name for name, _ in reply.headers if name not in {"Date", "Sec-WebSocket-Accept"} and not told(name)] == [
        "Server", "Connection", "Upgrade", "X-Envparity-Upstream",
    ]  # fmt: skip
    assert reply["Connection"] == "upgrade"
    lines = asked(bench)
    assert lines[1:4] == [f"Host: {HOST}", "Upgrade: websocket", "Connection: upgrade"]
    assert "X-Forwarded-Port: 443" in lines


async def test_the_client_is_told_what_arrived_at_the_replica(bench: Bench, ingress: Opened) -> None:
    """Host, Origin and forwarding headers with their values, watched ones by name, and what is dropped not at all."""
    sent = ["Origin: https://app.example", "Authorization: s3cret", "access_token: s3cret", "x-unwatched: 1"]
    reply = await ask(bench, ingress, get("/headers", *sent), ends_with=b"\r\n\r\n")
    arrived = {header.name: header.value for header in arrived_of(reply.headers)}
    seen = arrived.pop("X-Real-IP")
    assert arrived == {
        "Host": HOST,
        "Origin": "https://app.example",
        "X-Forwarded-For": seen,
        "X-Forwarded-Host": HOST,
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        "authorization": None,
    }
    assert reply["X-Envparity-Answered"] == "yes"
    assert not any("s3cret" in value for _, value in reply.headers)


async def test_the_client_is_told_which_replica_answered(bench: Bench, ingress: Opened) -> None:
    """The replica's status and headers pass, but for those that are the server's own to say."""
    reply = await ask(bench, ingress, get("/headers"), ends_with=b"\r\n\r\n")
    (upstream,) = [f"{replica.host}:{replica.port}" for replica in bench.replicas if replica.heads]
    assert reply.line == "HTTP/1.1 418 A Teapot"
    assert [(name, value) for name, value in reply.headers if name != "Date" and not told(name)] == [
        ("Server", "nginx"),
        ("Content-Length", "0"),
        ("Connection", "keep-alive"),
        ("set-cookie", "a"),
        *([("X-Empty", "")] if ("X-Empty", "") in reply.headers else []),
        ("set-cookie", "b"),
        ("X-Envparity-Upstream", upstream),
    ]
    assert reply["Date"].endswith(" GMT")


@pytest.mark.parametrize(
    ("path", "version", "body"),
    [
        ("/chunked", "1.1", b"abcdefg"),
        ("/chunked", "1.0", b"abcdefg"),
        ("/until-closed", "1.1", b"all of it"),
        ("/until-closed", "1.0", b"all of it"),
    ],
)
async def test_a_body_without_length_passes_whole(
    bench: Bench, ingress: Opened, path: str, version: str, body: bytes
) -> None:
    """In chunks to those who know them, until the connection is closed to the others."""
    request = get(path, "Connection: close").replace(b"HTTP/1.1", b"HTTP/" + version.encode())
    reply = await ask(bench, ingress, request)
    if version == "1.1":
        assert reply["Transfer-Encoding"] == "chunked"
        assert b"".join(reply.body.split(b"\r\n")[1::2]) == body
    else:
        assert reply.body == body


async def test_requests_follow_one_another_on_one_connection(bench: Bench, ingress: Opened) -> None:
    """Also where the second is sent before the first is answered, and until one asks to close."""
    reply = await ask(bench, ingress, get() + get("/", "Connection: close"))
    assert reply.closed
    assert reply.body.count(b"HTTP/1.1 200 OK") == 1
    assert reply.body.endswith(b"\r\n\r\nok")
    assert [len(replica.heads) for replica in bench.replicas] == [1, 1]


async def test_an_answer_that_is_cut_off_is_cut_off_for_the_client(bench: Bench, ingress: Opened) -> None:
    """What has come is passed on, and the connection is closed: nothing is made up."""
    reply = await ask(bench, ingress, get("/cut"))
    assert (reply.status, reply.body, reply.closed) == (200, b"half", True)


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


# Replicas.


async def test_replicas_take_turns_strictly(bench: Bench, ingress: Opened) -> None:
    """Whatever connection the requests come by."""
    turns = [(await ask(bench, ingress, get(), ends_with=b"ok"))["X-Envparity-Upstream"] for _ in range(6)]
    assert len(set(turns)) == 2
    assert turns[::2] == turns[:1] * 3
    assert turns[1::2] == turns[1:2] * 3


async def test_a_replica_that_is_away_is_passed_over_and_found_again(bench: Bench, ingress: Opened) -> None:
    """One away: the other answers. Both away: 502 by name of the last asked. Back: used by the very next requests."""
    first, second = bench.replicas
    names = {f"{replica.host}:{replica.port}" for replica in (first, second)}
    bench.run(first.down())
    try:
        left = {(await ask(bench, ingress, get(), ends_with=b"ok"))["X-Envparity-Upstream"] for _ in range(3)}
        assert left == {f"{second.host}:{second.port}"}
        bench.run(second.down())
        reply = await ask(bench, ingress, get(), ends_with=b"</html>\r\n")
        assert (reply.status, reply.closed) == (502, False)
        assert "X-Envparity-Answered" not in dict(reply.headers), "it is the ingress that says so"
        assert reply["X-Envparity-Upstream"] in names
        with pytest.raises(websockets.InvalidStatus, match="502"):
            await websocket(bench, ingress)
    finally:
        bench.run(first.up())
        bench.run(second.up())
    assert {(await ask(bench, ingress, get(), ends_with=b"ok"))["X-Envparity-Upstream"] for _ in range(2)} == names


@pytest.mark.parametrize("path", ["/502", "/hangs-up"])
@pytest.mark.parametrize(("method", "asked_of"), [("GET", 2), ("PUT", 2), ("POST", 1)])
async def test_another_replica_is_asked_only_where_nothing_can_happen_twice(
    bench: Bench, ingress: Opened, path: str, method: str, asked_of: int
) -> None:
    """502 of one replica sends what is idempotent to the next one; the last answer is the client's, as it is."""
    reply = await ask(bench, ingress, get(path, "Connection: close", "Content-Length: 2", method=method) + b"hi")
    assert reply.line == f"HTTP/1.1 502 {'Mine' if path == '/502' else 'Bad Gateway'}"
    assert len(heads(bench)) == asked_of


async def test_a_body_that_is_still_coming_is_sent_once(bench: Bench, ingress: Opened) -> None:
    """It is not kept, so another replica could not be given it."""
    async with streams(ingress.address, bench.trust) as (reader, writer), asyncio.timeout(DEADLINE_S):
        writer.write(get("/502", "Content-Length: 2", method="PUT"))
        await until(lambda: len(heads(bench)) == 1)
        writer.write(b"hi")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 502 Mine")
    assert len(heads(bench)) == 1


# Tunnels.


async def test_frames_pass_whole_both_ways(bench: Bench, ingress: Opened) -> None:
    """Small and large, text and binary, and what the replica sends in one segment with its 101."""
    async with await websocket(bench, ingress, "/ws-early") as ws, asyncio.timeout(DEADLINE_S):
        assert await ws.recv() == "early"
        for message in ("x", "ü" * 70_000, b"\x00" * 3_000_000):
            await ws.send(message)
            assert await ws.recv() == message


async def test_when_the_replica_ends_so_does_the_client_with_all_that_was_said(bench: Bench, ingress: Opened) -> None:
    """Its last bytes arrive, and then the end: no half of a connection is kept."""
    upgrade = get("/ws", "Upgrade: websocket", "Connection: upgrade", f"Sec-WebSocket-Key: {KEY}")
    request = upgrade.removesuffix(b"\r\n") + b"Sec-WebSocket-Version: 13\r\n\r\n"
    hang_up = b"\x81\x87\0\0\0\0hang up"
    async with streams(ingress.address, bench.trust) as (reader, writer), asyncio.timeout(DEADLINE_S):
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(hang_up)
        assert await reader.read() == b"last words"


async def test_when_the_client_ends_so_does_the_replica(bench: Bench, ingress: Opened) -> None:
    """At once: the idle time of this one is an hour."""
    ws = await websocket(bench, ingress)
    ws.transport.close()
    await until(lambda: bodies(bench) == [b"the client has left"])


# TLS.


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("version", "spoken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
async def test_tls_is_of_a_version_that_is_still_good(
    bench: Bench, ingress: Opened, version: ssl.TLSVersion, spoken: bool
) -> None:
    """1.2 and 1.3, whoever offers them; nothing older, even from a client that would lower its guard."""
    offered = bench.trust
    offered.set_ciphers("ALL:@SECLEVEL=0")
    offered.minimum_version = offered.maximum_version = version
    try:
        async with streams(ingress.address, offered) as (_, writer):
            assert spoken
            assert writer.get_extra_info("ssl_object").version() == version.name.replace("_", ".")
    except (ssl.SSLError, ConnectionResetError):
        assert not spoken


async def test_its_certificate_is_for_its_host_whatever_name_is_asked_for(bench: Bench, ingress: Opened) -> None:
    """Another name gets the same certificate, which a client that checks refuses, and one that does not accepts."""
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        async with streams(ingress.address, bench.trust, "another.example"):
            pass
    careless = bench.authority.client_context(check=False)
    async with streams(ingress.address, careless, "another.example") as (reader, writer):
        writer.write(get())
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_plain_http_is_told_to_speak_tls(bench: Bench, ingress: Opened) -> None:
    """As nginx tells it: 400 with that reason, and the end."""
    async with streams(ingress.address, None) as (reader, writer), asyncio.timeout(DEADLINE_S):
        writer.write(get())
        answer = Reply(await reader.read(), closed=True)
    assert answer.status == 400
    assert b"The plain HTTP request was sent to HTTPS port" in answer.body


async def test_without_tls_it_says_http_and_at_the_end_finishes_what_is_open(bench: Bench) -> None:
    """Plain HTTP is forwarded as such. A graceful stop refuses who comes, answers who waits, and drops what stays."""
    plain = bench.open(tls=False)
    async with streams(plain.address, None) as (reader, writer), asyncio.timeout(DEADLINE_S):
        writer.write(get())
        await reader.readuntil(b"ok")
        assert {"X-Forwarded-Proto: http", "X-Forwarded-Port: 80"} <= set(asked(bench))
        writer.write(get("/slow"))  # 504 after the idle time
        await until(lambda: len(heads(bench)) == 2)
        stopping = asyncio.create_task(asyncio.to_thread(plain.stop))
        answer = Reply(await reader.read(), closed=True)
        await stopping
    assert answer.status == 504
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*plain.address)
