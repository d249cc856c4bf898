"""How an ingress chooses replicas, and what becomes of connections when either side ends."""

from __future__ import annotations

import asyncio

import pytest
import websockets

from tests.envparity.launch.process.ingress.asking import KEY, ask, bodies, get, heads, until, websocket
from tests.envparity.launch.process.ingress.bench import (
    DEADLINE_S,
    Bench,
    Opened,
    streams,
)

pytestmark = pytest.mark.usefixtures("nothing_remembered")

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


async def test_who_asks_for_a_replica_comes_to_that_one(bench: Bench, ingress: Opened) -> None:
    """However often, and no replica hears of it; who asks for one that is not there has whoever's turn it is."""
    wanted = [f"{replica.host}:{replica.port}" for replica in bench.replicas]
    for number, name in [(1, wanted[0]), (1, wanted[0]), (2, wanted[1]), (2, wanted[1])]:
        reply = await ask(bench, ingress, get("/", f"X-Envparity-Replica: {number}"), ends_with=b"ok")
        assert reply["X-Envparity-Upstream"] == name
    assert not any(b"x-envparity-replica" in head.lower() for head in heads(bench))
    unknown = get("/", "X-Envparity-Replica: 3")
    turns = {(await ask(bench, ingress, unknown, ends_with=b"ok"))["X-Envparity-Upstream"] for _ in range(2)}
    assert turns == set(wanted)


async def test_who_asks_for_a_replica_that_is_away_comes_to_another(bench: Bench, ingress: Opened) -> None:
    """As does who comes back by a cookie."""
    first, second = bench.replicas
    bench.run(first.down())
    try:
        reply = await ask(bench, ingress, get("/", "X-Envparity-Replica: 1"), ends_with=b"ok")
    finally:
        bench.run(first.up())
    assert reply["X-Envparity-Upstream"] == f"{second.host}:{second.port}"


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
