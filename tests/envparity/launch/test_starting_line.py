"""Clients that start together and wait for one another: by address, or by process on the loopback interface."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import pytest

from envparity.launch.proxy import Proxy
from envparity.launch.starting_line import LONGEST_S, StartingLine
from envparity.launch.workers import owner_of

PORT = 5432
DEADLINE_S = 60.0


async def test_the_first_waits_until_as_many_are_there() -> None:
    """Both go on then, and whoever comes later is not held; a second connection of the first is nobody else."""
    line = StartingLine(2)
    first = [asyncio.create_task(line.wait(("172.18.0.2", port), PORT)) for port in (40_000, 40_001)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not any(task.done() for task in first)
    async with asyncio.timeout(DEADLINE_S):
        await line.wait(("172.18.0.3", 40_000), PORT)
        await asyncio.gather(*first)
        await line.wait(("172.18.0.4", 40_000), PORT)


async def test_who_comes_alone_goes_on_in_the_end() -> None:
    """Another replica may never ask for that dependency."""
    async with asyncio.timeout(DEADLINE_S):
        await StartingLine(3).wait(("172.18.0.2", 40_000), PORT)


async def test_how_long_somebody_waits_alone_can_be_said() -> None:
    """Replicas that have looked for it in vain come when their pauses are over, each at another moment."""
    line = StartingLine(2, longest_s=60.0)
    alone = asyncio.create_task(line.wait(("172.18.0.2", 40_000), PORT))
    done, _ = await asyncio.wait({alone}, timeout=2 * LONGEST_S)
    assert not done
    await line.wait(("172.18.0.3", 40_000), PORT)
    async with asyncio.timeout(DEADLINE_S):
        await alone


async def test_who_cannot_be_told_is_let_pass() -> None:
    """A connection of the loopback interface that no process has."""
    line = StartingLine(2)
    async with asyncio.timeout(DEADLINE_S):
        await line.wait(("127.0.0.1", 1), PORT)


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="asked of Linux")
async def test_the_owner_of_a_connection_is_its_process() -> None:
    """The client's process, and not the one that accepted it."""
    loop = asyncio.get_running_loop()
    connected = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))):
    sys.stdin.read()
"""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        client = await asyncio.create_subprocess_exec(
            "python3", "-c", connected, str(port), stdin=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(DEADLINE_S):
            accepted, peer = await loop.sock_accept(server)
            with closing(accepted):
                assert await asyncio.to_thread(owner_of, peer[1], port) == client.pid
            await client.communicate(b"")


async def test_clients_of_a_proxy_with_a_line_are_served_whatever_comes() -> None:
    """All of one process: the line is held for its time, and nothing of what was sent is lost."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(4))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with (
        server,
        Proxy("127.0.0.1", server.sockets[0].getsockname()[:2], line=StartingLine(2)) as proxy,
        asyncio.timeout(DEADLINE_S),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"ping"
        writer.close()
