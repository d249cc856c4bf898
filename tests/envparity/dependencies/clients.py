"""The smallest client of each kind: comes in with the password, does one thing, and says whether it was let in."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg

from envparity.dependencies.redis_session import RedisSession
from envparity.dependency.kind import Server
from envparity.errors import LaunchError

__all__ = ["CLIENTS"]

_WITHIN_S = 60.0


@asynccontextmanager
async def connection(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection in the clear."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        async with asyncio.timeout(_WITHIN_S):
            yield reader, writer
    finally:
        writer.close()


async def nats(server: Server) -> bool:
    """Asks whether it is there, as the user `app`."""
    async with connection(server) as (reader, writer):
        assert (await reader.readline()).startswith(b"INFO ")
        if server.tls is not None:
            await writer.start_tls(server.tls, server_hostname="localhost")
        writer.write(b'CONNECT {"verbose":false,"user":"app","pass":"%b"}\r\nPING\r\n' % server.password.encode())
        answer = await reader.readline()
        return answer == b"PONG\r\n"


async def postgres(server: Server) -> bool:
    """Asks for a row."""
    try:
        client = await asyncpg.connect(
            host=server.host,
            port=server.port,
            user="app",
            database="app",
            password=server.password,
            ssl=_for_any_host(server.tls),
        )
    except asyncpg.InvalidPasswordError:
        return False
    try:
        return bool(await client.fetchval("SELECT 1") == 1)
    finally:
        await client.close()


async def redis(server: Server) -> bool:
    """Asks whether it is there."""
    try:
        async with RedisSession.open((server.host, server.port), server.password, server.tls) as session:
            return bool(await session.run(0, ("PING",)) == "PONG")
    except LaunchError:
        return False


async def mariadb(server: Server) -> bool:
    """Comes in with `mysql_native_password`, by TLS where there is some."""
    async with connection(server) as (reader, writer):
        greeting = await _packet(reader)
        version = greeting.index(b"\0", 1)
        salt = greeting[version + 5 : version + 13] + greeting[version + 32 : version + 44]
        asked = 0x200 | 0x8000 | 0x80000 | (0x800 if server.tls else 0)  # protocol 4.1, its passwords, plugins, TLS
        head = struct.pack("<IIB23x", asked, 1 << 24, 45)
        if server.tls is not None:
            writer.write(struct.pack("<I", len(head) | 1 << 24) + head)
            await writer.start_tls(server.tls, server_hostname="localhost")
        proof = _scrambled(server.password.encode(), salt)
        rest = b"app\0" + bytes([len(proof)]) + proof + b"mysql_native_password\0"
        number = 2 if server.tls else 1
        writer.write(struct.pack("<I", len(head + rest) | number << 24) + head + rest)
        return (await _packet(reader))[0] == 0


async def _packet(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack("<I", await reader.readexactly(4))
    return await reader.readexactly(size & 0xFFFFFF)


def _scrambled(password: bytes, salt: bytes) -> bytes:
    def sha1(data: bytes) -> bytes:
        return hashlib.sha1(data, usedforsecurity=False).digest()

    once = sha1(password)
    return bytes(own ^ other for own, other in zip(once, sha1(salt + sha1(once)), strict=True))


async def rabbitmq(server: Server) -> bool:
    """Comes in with PLAIN (AMQP 0-9-1 §4.2.2): who is let in is told how to go on, others are cut off."""
    reader, writer = await asyncio.open_connection(
        server.host, server.port, ssl=server.tls, server_hostname="localhost" if server.tls else None
    )
    try:
        async with asyncio.timeout(_WITHIN_S):
            writer.write(b"AMQP\x00\x00\x09\x01")
            await _frame(reader)
            proof = b"\0app\0" + server.password.encode()
            said = struct.pack(">HHI", 10, 11, 0) + b"\x05PLAIN" + struct.pack(">I", len(proof)) + proof + b"\x05en_US"
            writer.write(struct.pack(">BHI", 1, 0, len(said)) + said + b"\xce")
            return (await _frame(reader))[:4] == struct.pack(">HH", 10, 30)
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    finally:
        writer.close()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    _, _, size = struct.unpack(">BHI", await reader.readexactly(7))
    return (await reader.readexactly(size + 1))[:-1]


def _for_any_host(tls: ssl.SSLContext | None) -> ssl.SSLContext | bool:
    if tls is None:
        return False
    tls.check_hostname = False  # the proxy is at an address that no certificate has
    return tls


CLIENTS: dict[str, Callable[[Server], Awaitable[bool]]] = {
    "mariadb": mariadb,
    "nats": nats,
    "postgres": postgres,
    "rabbitmq": rabbitmq,
    "redis": redis,
}


def with_another_password(server: Server) -> Server:
    """The same, reached by somebody who does not know it."""
    return replace(server, password="0" * 48)
