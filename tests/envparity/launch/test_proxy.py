"""The proxy over real sockets: what it forwards, when it refuses, and what it leaves behind (nothing)."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import socket
from contextlib import suppress

import pytest

from envparity.launch.proxy import Latency, Proxy
from tests.envparity.launch.proxied_peers import DEADLINE_S, client, echo, exchanged, mute, serving, until


async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client has half-closed; then the length and the hash of what came."""
    data = await reader.read()
    writer.write(f"{len(data)} {hashlib.sha256(data).hexdigest()}".encode())
    await writer.drain()


async def test_bytes_pass_unchanged_in_both_directions() -> None:
    """A few megabytes come back as they were sent."""
    data = os.urandom(6_000_000)
    async with serving(echo) as address, Proxy("127.0.0.1", address, name="echo") as proxy:
        assert await exchanged(proxy, data) == data


async def test_a_half_closed_client_still_gets_its_answer() -> None:
    """The end of what the client sends reaches the server, and the other direction stays open."""
    data = os.urandom(300_000)
    async with serving(answer_at_the_end) as address, Proxy("127.0.0.1", address) as proxy:
        assert await exchanged(proxy, data) == f"{len(data)} {hashlib.sha256(data).hexdigest()}".encode()


async def test_many_connections_at_once_do_not_mix() -> None:
    """A hundred clients each get back their own bytes, and nobody is connected afterwards."""
    payloads = [os.urandom(5000) for _ in range(100)]
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        assert await asyncio.gather(*(exchanged(proxy, data) for data in payloads)) == payloads
        await until("every connection to end", lambda: proxy.open_connections == 0)


async def test_the_most_connections_at_the_same_time_are_remembered() -> None:
    """Not those that came one after the other, and whatever is open now."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        for _ in range(3):
            await exchanged(proxy, b"alone")
            await until("it to end", lambda: proxy.open_connections == 0)
        assert proxy.most_connections == 1
        async with client(proxy), client(proxy):
            await until("both to be there", lambda: proxy.open_connections == 2)
        await until("both to end", lambda: proxy.open_connections == 0)
        assert proxy.most_connections == 2


async def test_down_resets_open_connections_and_refuses_new_ones() -> None:
    """While it is down a client sees ECONNRESET on the old connection and ECONNREFUSED on a new one."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy, client(proxy) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        await proxy.down()
        assert proxy.open_connections == 0
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)


async def test_up_listens_on_the_same_port_again() -> None:
    """Down and up again, several times over: the port stays, and nobody else can take it in between."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        port = proxy.port
        for _ in range(3):
            await proxy.down()
            for reusing in (0, 1):  # servers and container engines say that they share; they must not get it either
                with socket.socket() as other:
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reusing)
                    with pytest.raises(OSError, match="in use"):
                        other.bind(("127.0.0.1", port))
            await proxy.up()
            assert proxy.port == port
            assert await exchanged(proxy, b"again") == b"again"


async def test_down_resets_a_connection_that_was_accepted_and_not_yet_served() -> None:
    """Going down in the very moment of a connection resets it and leaves no socket open."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as opened:
            assert proxy._ports.first.listener is not None
            proxy._ports.first.accept(proxy._ports.first.listener)
            assert proxy.open_connections == 1
            await proxy.down()
            opened.settimeout(DEADLINE_S)
            with pytest.raises(ConnectionResetError):
                opened.recv(1)


async def test_without_an_upstream_the_port_is_held_and_refuses() -> None:
    """The port is known before there is a server; clients are refused until it is set, and again without it."""
    async with serving(echo) as address, Proxy("127.0.0.1", name="late") as proxy:
        assert proxy.port
        with pytest.raises(ConnectionRefusedError):
            await exchanged(proxy, b"early")
        proxy.upstream = address
        assert await exchanged(proxy, b"there") == b"there"
        proxy.upstream = None
        with pytest.raises(ConnectionRefusedError):
            await exchanged(proxy, b"gone")


async def test_down_before_there_is_an_upstream_stays_down() -> None:
    """Setting the upstream of a proxy that is down does not open it."""
    async with serving(echo) as address, Proxy("127.0.0.1") as proxy:
        await proxy.down()
        proxy.upstream = address
        with pytest.raises(ConnectionRefusedError):
            await exchanged(proxy, b"early")
        await proxy.up()
        assert await exchanged(proxy, b"there") == b"there"


async def test_an_upstream_that_refuses_resets_the_client() -> None:
    """The server behind the proxy is gone: the client is reset, and the proxy goes on."""
    async with serving(echo) as address:
        pass
    async with Proxy("127.0.0.1", address) as proxy:
        with pytest.raises(ConnectionResetError):
            await exchanged(proxy, b"anybody?")
        async with serving(echo) as back:
            proxy.upstream = back
            assert await exchanged(proxy, b"there") == b"there"


async def test_a_reset_by_the_server_reaches_the_client_as_a_reset() -> None:
    """ECONNRESET on one side is ECONNRESET on the other, not an orderly end."""

    async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with serving(resetting) as address, Proxy("127.0.0.1", address) as proxy, client(proxy) as (reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.write(b"xy" * 100_000)
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_two_toxics_of_one_name_are_refused() -> None:
    """A toxic is removed by its name, so a name is given once."""
    async with Proxy("127.0.0.1") as proxy:
        assert proxy.add(Latency(latency_ms=1)) == "latency_downstream"
        assert proxy.add(Latency(latency_ms=1, name="more")) == "more"
        with pytest.raises(ValueError, match="latency_downstream already"):
            proxy.add(Latency(latency_ms=2))
        with pytest.raises(KeyError):
            proxy.remove("none")


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])  # noqa: S104  it is what must be refused
def test_every_interface_is_refused(address: str) -> None:
    """A proxy never listens on every interface."""
    with pytest.raises(ValueError, match="every interface"):
        Proxy(address)


async def test_ipv6_works_where_the_machine_has_it() -> None:
    """The listening side and the upstream may be IPv6."""
    if not socket.has_ipv6:
        return
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return
    async with serving(echo) as address, Proxy("::1", address) as proxy:
        reader, writer = await asyncio.open_connection("::1", proxy.port)
        writer.write(b"six")
        assert await reader.readexactly(3) == b"six"
        writer.close()


async def test_leaving_it_leaves_no_task_and_no_socket() -> None:
    """Left with connections open, held and half-closed, it leaves nothing: not a task, not a descriptor."""
    tasks = asyncio.all_tasks()
    descriptors = set(os.listdir("/proc/self/fd"))  # noqa: PTH208  names are all that is wanted
    async with serving(mute) as address:
        async with Proxy("127.0.0.1", address) as proxy:
            proxy.add(Latency(latency_ms=60_000))
            writers = [(await asyncio.open_connection("127.0.0.1", proxy.port))[1] for _ in range(5)]
            for writer in writers:
                writer.write(b"held")
            writers[0].write_eof()
            await until("five connections", lambda: proxy.open_connections == 5)
        for writer in writers:
            writer.close()
    await until("the clients' tasks to end", lambda: asyncio.all_tasks() == tasks)
    gc.collect()
    await until("every socket to be closed", lambda: set(os.listdir("/proc/self/fd")) <= descriptors)  # noqa: PTH208


async def test_a_connection_is_closed_at_its_age_whatever_is_said_on_it() -> None:
    """In order, on both sides; the next one has a life of its own."""
    heard = asyncio.Event()

    async def echo_to_its_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        heard.set()

    async with serving(echo_to_its_end) as upstream, Proxy("127.0.0.1", upstream, max_lifetime_s=0.3) as proxy:
        for _ in range(2):
            heard.clear()
            async with client(proxy) as (reader, writer), asyncio.timeout(DEADLINE_S):
                began = asyncio.get_running_loop().time()
                said = 0
                with suppress(ConnectionError, asyncio.IncompleteReadError):
                    while True:
                        writer.write(b"x")
                        await reader.readexactly(1)
                        said += 1
                        await asyncio.sleep(0.01)
                assert said > 0
                assert asyncio.get_running_loop().time() - began > 0.25
                await heard.wait()


async def test_who_is_silent_is_closed_at_that_age_too() -> None:
    """Nobody has to send anything for it."""
    async with (
        serving(mute) as upstream,
        Proxy("127.0.0.1", upstream, max_lifetime_s=0.05) as proxy,
        client(proxy) as (reader, _),
        asyncio.timeout(DEADLINE_S),
    ):
        assert await reader.read() == b""


async def test_a_client_can_keep_its_address() -> None:
    """What is behind sees it come from there, and not from the proxy."""

    async def tell_who_asks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(writer.get_extra_info("peername")[0]).encode())

    async with serving(tell_who_asks) as upstream, Proxy("127.0.0.1", upstream, as_client=True) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, local_addr=("127.0.0.7", 0))
        async with asyncio.timeout(DEADLINE_S):
            assert await reader.read() == b"127.0.0.7"
        writer.close()
