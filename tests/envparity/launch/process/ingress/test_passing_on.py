"""What an ingress passes on of requests and answers, and what it says itself."""

from __future__ import annotations

import ipaddress

import pytest

from envparity.launch.arrived import arrived_of
from tests.envparity.launch.process.ingress.asking import KEY, ask, asked, get
from tests.envparity.launch.process.ingress.bench import (
    HOST,
    Bench,
    Opened,
)

pytestmark = pytest.mark.usefixtures("nothing_remembered")

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
