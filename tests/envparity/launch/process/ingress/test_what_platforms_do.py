"""What an ingress of a platform does beside passing requests on: the one in Python and nginx do it alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from envparity.launch.arrived import arrived_of
from envparity.launch.ingress_variables import AFFINITY_COOKIE
from envparity.launch.process.ingress.nginx import find_nginx
from tests.envparity.launch.process.ingress.asking import KEY, Reply, ask, asked, get, heads
from tests.envparity.launch.process.ingress.bench import HOST, Bench, Opened, bench_of, opened_iterator

INSTALLED = ["installed"] if find_nginx() else []
KINDS = ["python", *INSTALLED, pytest.param("nginx", marks=pytest.mark.docker)]
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13")


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from opened_iterator(bench_of(request.param))


@pytest.fixture(autouse=True)
def nothing_remembered(bench: Bench) -> None:
    for replica in bench.replicas:
        replica.heads.clear()


def opened(bench: Bench, **keys: Any) -> Opened:
    """An ingress with those keys, the same for whoever asks for them again."""
    key = repr(keys)
    if key not in bench.kept:
        bench.kept[key] = bench.open(patient=True, **keys)
    return bench.kept[key]


async def answer(bench: Bench, ingress: Opened, *headers: str, path: str = "/headers") -> Reply:
    return await ask(bench, ingress, get(path, *headers), ends_with=b"\r\n\r\n")


def replica_of(reply: Reply) -> str:
    return reply["X-Envparity-Upstream"]


def set_cookies(reply: Reply) -> list[str]:
    """Those that the ingress sets: the replica has two of its own."""
    return [value for name, value in reply.headers if name == "Set-Cookie"]


async def test_who_brings_the_cookie_back_comes_to_the_same_replica(bench: Bench) -> None:
    """Others take turns. It is set once, for the whole site, and over TLS only where the site has that."""
    ingress = opened(bench, affinity="cookie")
    first = await answer(bench, ingress)
    (cookie,) = set_cookies(first)
    pair, *attributes = cookie.split("; ")
    assert pair in {f"{AFFINITY_COOKIE}=1", f"{AFFINITY_COOKIE}=2"}
    assert attributes == ["Path=/", "HttpOnly", "Secure"]
    assert ("set-cookie", "a") in first.headers, "the replica's own pass"
    strangers = {replica_of(await answer(bench, ingress)) for _ in range(2)}
    assert len(strangers) == 2
    for _ in range(3):
        again = await answer(bench, ingress, f"Cookie: a=b; {pair}; c=d")
        assert (replica_of(again), set_cookies(again)) == (replica_of(first), [])
    assert sum(f"\r\nCookie: a=b; {pair}; c=d\r\n".encode() in head for head in heads(bench)) == 3


async def test_the_cookie_is_set_with_an_upgrade_too(bench: Bench) -> None:
    """A handshake is a request as any other, and a later one comes to the same replica."""
    ingress = opened(bench, affinity="cookie", tls=True)
    first = await ask(bench, ingress, get("/ws", *UPGRADE), ends_with=b"\r\n\r\n")
    (cookie,) = set_cookies(first)
    again = [await answer(bench, ingress, f"Cookie: {cookie.partition(';')[0]}") for _ in range(2)]
    assert {replica_of(reply) for reply in again} == {replica_of(first)}


async def test_a_cookie_of_a_replica_that_is_away_is_set_anew(bench: Bench) -> None:
    """The other one answers, and keeps the client. A value that names nobody is none."""
    ingress = opened(bench, affinity="cookie")
    gone, left = bench.replicas
    bench.run(gone.down())
    try:
        reply = await answer(bench, ingress, f"Cookie: {AFFINITY_COOKIE}=1")
        assert replica_of(reply).endswith(f"{left.host}:{left.port}")
        assert [cookie.partition(";")[0] for cookie in set_cookies(reply)] == [f"{AFFINITY_COOKIE}=2"]
        bench.run(left.down())
        nobody = await ask(bench, ingress, get("/", f"Cookie: {AFFINITY_COOKIE}=1"), ends_with=b"</html>\r\n")
        assert (nobody.status, set_cookies(nobody)) == (502, [])
    finally:
        bench.run(gone.up())
        bench.run(left.up())
    assert len(set_cookies(await answer(bench, ingress, f"Cookie: {AFFINITY_COOKIE}=7"))) == 1


async def test_by_its_address_a_client_comes_to_the_same_replica(bench: Bench) -> None:
    """Without any cookie; and to another one only where that is away."""
    ingress = opened(bench, affinity="address")
    replies = [await answer(bench, ingress) for _ in range(4)]
    (same,) = {replica_of(reply) for reply in replies}
    assert not any(set_cookies(reply) for reply in replies)
    (home,) = [replica for replica in bench.replicas if same == f"{replica.host}:{replica.port}"]
    (other,) = [replica for replica in bench.replicas if replica is not home]
    bench.run(home.down())
    try:
        assert replica_of(await answer(bench, ingress)).endswith(f"{other.host}:{other.port}")
    finally:
        bench.run(home.up())
    if bench.kind != "nginx":  # which one it is, both reckon alike
        assert home is bench.replicas[1]


@pytest.mark.parametrize(
    ("strip", "path", "arrives"),
    [
        (True, "/chat/headers", "/headers"),
        (True, "/chat/headers?a=%2F&b", "/headers?a=%2F&b"),
        (True, "/chat/a%2Fb//c", "/a%2Fb//c"),
        (True, "/chat", "/"),
        (True, "/chat?a=1", "/?a=1"),
        (False, "/chat/headers?a=%2F", "/chat/headers?a=%2F"),
        (False, "/chat", "/chat"),
    ],
)
async def test_what_is_below_the_prefix_arrives_with_it_or_without(
    bench: Bench, strip: bool, path: str, arrives: str
) -> None:
    """As it was written, byte for byte, with its query."""
    ingress = opened(bench, prefix="/chat", strip_prefix=strip)
    for replica in bench.replicas:
        replica.ANSWERS = {**replica.ANSWERS, arrives: replica.ANSWERS["/headers"]}
    await answer(bench, ingress, path=path)
    assert asked(bench)[0] == f"GET {arrives} HTTP/1.1"


@pytest.mark.parametrize("path", ["/", "/chatter", "/headers", "/chat.x/"])
async def test_what_is_not_below_the_prefix_is_not_there(bench: Bench, path: str) -> None:
    """The ingress itself says so, nobody is asked, and the connection goes on."""
    ingress = opened(bench, prefix="/chat", strip_prefix=True, affinity="cookie")
    reply = await ask(bench, ingress, get(path), ends_with=b"</html>\r\n")
    assert (reply.status, reply.closed, replica_of(reply), set_cookies(reply)) == (404, False, "-", [])
    assert not heads(bench)


CLAIMS = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: gopher", "X-Real-IP: 203.0.113.9")


async def test_only_the_headers_that_are_asked_for_are_set(bench: Bench) -> None:
    """Of the others, what the client says is passed on."""
    reply = await answer(bench, opened(bench, forwarded=("proto", "host")), *CLAIMS)
    arrived = {header.name: header.value for header in arrived_of(reply.headers)}
    assert arrived == {
        "Host": HOST,
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": HOST,
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "203.0.113.9",
    }


async def test_none_is_set_where_none_is_asked_for(bench: Bench) -> None:
    """The backend learns nothing of the client."""
    reply = await answer(bench, opened(bench, forwarded=()))
    assert {header.name: header.value for header in arrived_of(reply.headers)} == {"Host": HOST}


async def test_what_the_client_claims_can_be_kept_before_its_address(bench: Bench) -> None:
    """As a proxy does that stands behind others."""
    ingress = opened(bench, forwarded=("for", "real-ip"), forwarded_for="append")
    reply = await answer(bench, ingress, "X-Forwarded-For: 203.0.113.9, 198.51.100.2")
    arrived = {header.name: header.value for header in arrived_of(reply.headers)}
    assert arrived["X-Forwarded-For"] == f"203.0.113.9, 198.51.100.2, {arrived['X-Real-IP']}"
    alone = {header.name: header.value for header in arrived_of((await answer(bench, ingress)).headers)}
    assert alone["X-Forwarded-For"] == alone["X-Real-IP"]


async def test_headers_are_dropped_by_their_names(bench: Bench) -> None:
    """In whatever case they come; all others pass."""
    ingress = opened(bench, drop_headers=("authorization", "sec-websocket-protocol"))
    reply = await answer(bench, ingress, "AUTHORIZATION: s3cret", "Sec-WebSocket-Protocol: chat", "X-Other: 1")
    lines = asked(bench)
    assert "X-Other: 1" in lines
    assert not any(line.lower().startswith(("authorization", "sec-websocket-protocol")) for line in lines)
    assert "authorization" not in {header.name for header in arrived_of(reply.headers)}


async def test_the_backend_can_be_asked_for_by_the_name_that_the_ingress_has_for_it(bench: Bench) -> None:
    """And is told what the client asked for in another header."""
    reply = await answer(bench, opened(bench, host_header="upstream"))
    arrived = {header.name: header.value for header in arrived_of(reply.headers)}
    assert (arrived["Host"], arrived["X-Forwarded-Host"]) == ("backend", HOST)
    assert asked(bench)[1] == "Host: backend"


async def test_an_upgrade_can_be_passed_on_as_a_plain_request(bench: Bench) -> None:
    """The replica sees no upgrade, and answers as it does to any GET."""
    reply = await answer(bench, opened(bench, upgrade=False), *UPGRADE)
    assert reply.status == 418
    lines = asked(bench)
    assert not any(line.startswith(("Upgrade:", "Connection: upgrade")) for line in lines)
    assert f"Sec-WebSocket-Key: {KEY}" in lines
