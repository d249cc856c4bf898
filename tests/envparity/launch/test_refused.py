"""Who is refused at a closed port is seen where packets may be seen, and is refused as by any closed port."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from envparity.launch import disturbing
from envparity.launch.proxy import Proxy
from envparity.launch.refused import RefusedClients
from envparity.model.step import Refuse
from tests.envparity.launch.proxied_peers import usual_port
from tests.servers import free_port


def may_see_packets() -> bool:
    """As root, or with CAP_NET_RAW."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()
    except OSError:
        return False
    return True


needs_sight = pytest.mark.skipif(not may_see_packets(), reason="only root sees packets")


async def refused(host: str, port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)


@needs_sight
async def test_each_that_is_refused_is_told_once_and_nobody_else() -> None:
    """Of that address and that port alone; what comes after it was closed is not told."""
    came: list[str] = []
    port = free_port()
    watching = RefusedClients.of("127.0.0.1", port, came.append)
    assert watching is not None
    for _ in range(3):
        await refused("127.0.0.1", port)
    await refused("127.0.0.2", port)
    await refused("127.0.0.1", free_port())
    watching.close()
    await refused("127.0.0.1", port)
    assert came == ["127.0.0.1"] * 3


@needs_sight
async def test_attempts_at_a_dependency_that_is_cut_off_are_counted() -> None:
    """Who was connected is reset; whoever comes is refused, and noted, each time that it is cut off."""

    async def until_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.transport.abort()

    server = await asyncio.start_server(until_gone, "127.0.0.1", 0)
    async with server, Proxy("127.0.0.1", server.sockets[0].getsockname()[:2]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        for _ in range(2):
            await proxy.vanish("cut", tell_apart=False)
            await refused("127.0.0.1", proxy.port)
            await proxy.up()
        with pytest.raises(ConnectionError):
            await reader.readexactly(1)
        writer.close()
        assert [(outage.tried, outage.seen) for outage in disturbing.outages_of(proxy, lambda _: 0)] == [(1, True)] * 2


@needs_sight
async def test_attempts_at_a_dependency_that_refuses_are_counted() -> None:
    """At each of its ports, with their moments, until it is back; who connects then is not one of them."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    usual = usual_port()
    async with server, Proxy("127.0.0.1", server.sockets[0].getsockname()[:2], usual_port=usual) as proxy:
        await disturbing.begin(proxy, Refuse("it"), tell_apart=False)
        for port in (proxy.port, usual, proxy.port, usual):
            await refused("127.0.0.1", port)
            await asyncio.sleep(0.03)
        await disturbing.end(proxy)
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.close()
        (outage,) = disturbing.outages_of(proxy, lambda _: 0)
        assert (outage.tried, outage.seen) == (4, True)
        pauses = [later.at_s - before.at_s for before, later in zip(outage.attempts, outage.attempts[1:], strict=False)]
        assert min(pauses) > 0.02


async def test_what_nobody_may_see_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused all the same."""

    def forbidden(*_: object, **__: object) -> RefusedClients | None:
        return None

    monkeypatch.setattr(RefusedClients, "of", forbidden)
    async with Proxy("127.0.0.1", ("127.0.0.1", free_port())) as proxy:
        await disturbing.begin(proxy, Refuse("it"), tell_apart=False)
        await refused("127.0.0.1", proxy.port)
        await disturbing.end(proxy)
        (outage,) = disturbing.outages_of(proxy, lambda _: 0)
        assert (outage.tried, outage.seen) == (0, False)


@pytest.mark.parametrize("host", ["::1"])
async def test_an_address_that_is_not_watched(host: str) -> None:
    assert RefusedClients.of(host, 1, lambda _host: None) is None
