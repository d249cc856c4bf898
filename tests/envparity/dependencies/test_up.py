"""A server that listens and sends everybody away, as while it starts, is not up; one that asks who comes is."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from envparity.dependencies.postgres_client import lets_in
from envparity.dependencies.redis_session import PING, is_up
from envparity.dependency.kind import Server
from envparity.launch.connecting import first_bytes


@asynccontextmanager
async def answering(said: bytes) -> AsyncIterator[int]:
    """The port of a server that reads, says that and hangs up."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(served, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]


def message(kind: bytes, body: bytes) -> bytes:
    """One of PostgreSQL's protocol."""
    return kind + struct.pack(">I", len(body) + 4) + body


def refusal(code: str) -> bytes:
    return message(b"E", f"SFATAL\0C{code}\0Mno\0\0".encode())


@pytest.mark.parametrize(
    ("said", "up"),
    [
        (refusal("57P03"), False),  # the database system is starting up
        (refusal("28P01"), True),  # another password
        (refusal("53300"), True),  # as many connections as it takes
        (message(b"R", struct.pack(">I", 0)) + message(b"Z", b"I"), True),
        (message(b"R", struct.pack(">I", 0)), False),  # it hangs up in the middle of it
        (b"S", False),
        (b"", False),
    ],
)
async def test_a_postgresql_is_up_once_it_says_who_may_come_in(said: bytes, up: bool) -> None:
    async with answering(said) as port:
        assert await lets_in(Server("127.0.0.1", port, "a-password"), "app", "app") is up


@pytest.mark.parametrize(
    ("said", "up"),
    [
        (b"+PONG\r\n", True),
        (b"-NOAUTH Authentication required.\r\n", True),
        (b"-LOADING Redis is loading the dataset in memory\r\n", False),
        (b"", False),
    ],
)
async def test_a_redis_is_up_once_it_has_read_what_it_kept(said: bytes, up: bool) -> None:
    async with answering(said) as port:
        assert is_up(await first_bytes("127.0.0.1", port, PING)) is up
