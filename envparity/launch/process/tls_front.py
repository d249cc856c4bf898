"""TLS in front of servers that were built without it, as the wheels of PostgreSQL and Valkey are.

::

    async with postgres_tls_front(Path("/run/x/.s.PGSQL.5432"), server_context(issued, folder)) as address:
        ...  # sslmode=verify-full at that address; plain TCP is refused as a pg_hba.conf with hostssl alone refuses it

The server behind listens on a Unix socket in a folder that the backend cannot enter, or at an address that it is not
told, so that TLS is the only way in. What a server without TLS cannot know stays so: `pg_stat_ssl` says false, and
SCRAM offers no channel binding.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from envparity.launch.certificates import IssuedCertificate
from envparity.launch.process.accepting import Accepting, Stream, open_stream
from envparity.launch.stream import reset

__all__ = ["Upstream", "postgres_tls_front", "redis_tls_front", "server_context"]

Upstream = tuple[str, int] | Path  #: where the server without TLS listens: host and port, or a Unix socket

_START_UP_S = 60.0  # PostgreSQL's authentication_timeout; Redis has none, and a handshake is no reason to wait longer
_CONNECT_TIMEOUT_S = 5.0

# PostgreSQL's frontend/backend protocol, version 3.0, "Message Formats": what stands where a version would.
_CANCEL_REQUEST = 80877102
_SSL_REQUEST = 80877103
_GSSENC_REQUEST = 80877104
_HEADER = struct.Struct("!II")
_LARGEST_START_UP_BYTES = 10000  # MAX_STARTUP_PACKET_LENGTH


def server_context(issued: IssuedCertificate, folder: Path) -> ssl.SSLContext:
    """What a TLS 1.2 or 1.3 server needs to show that certificate. The key is in a file in `folder` meanwhile only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    descriptor, name = tempfile.mkstemp(dir=folder)  # readable by its owner only
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(issued.certificate_pem + issued.key_pem)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
    return context


@asynccontextmanager
async def redis_tls_front(
    upstream: Upstream, tls: ssl.SSLContext, listen_host: str = "127.0.0.1"
) -> AsyncIterator[tuple[str, int]]:
    """The address of a port that speaks TLS from the first byte, and carries what is in it to the server and back.

    A client that speaks anything else is cut off; one that comes while the server is away is reset.
    """

    async def secured(client: socket.socket) -> Stream:
        return await open_stream(client, tls, _START_UP_S)

    async with _front(upstream, secured, listen_host, "redis") as address:
        yield address


@asynccontextmanager
async def postgres_tls_front(
    upstream: Upstream, tls: ssl.SSLContext, listen_host: str = "127.0.0.1"
) -> AsyncIterator[tuple[str, int]]:
    """The address of a port that answers PostgreSQL's SSLRequest with TLS, and a start-up without it with 28000.

    A CancelRequest is passed on, with TLS or without, as the server itself would take it.
    """

    async def secured(client: socket.socket) -> Stream | None:
        async with asyncio.timeout(_START_UP_S):
            return await _negotiated(client, upstream, tls)

    async with _front(upstream, secured, listen_host, "postgres") as address:
        yield address


@asynccontextmanager
async def _front(
    upstream: Upstream, secured: Callable[[socket.socket], Awaitable[Stream | None]], listen_host: str, name: str
) -> AsyncIterator[tuple[str, int]]:
    async def serve(client: socket.socket) -> None:
        # The server first: while it is away, nobody is let believe that there is one.
        server = await _connected(upstream)
        try:
            stream = await secured(client)
            if stream is not None:
                await _carry(stream, server)
        finally:
            server.abort()

    async with Accepting(listen_host, serve, name=f"TLS front of {name}") as front:
        yield front.address


async def _connected(upstream: Upstream) -> Stream:
    async with asyncio.timeout(_CONNECT_TIMEOUT_S):
        if isinstance(upstream, Path):
            return Stream(*await asyncio.open_unix_connection(upstream))
        return Stream(*await asyncio.open_connection(*upstream))


async def _carry(client: Stream, server: Stream) -> None:
    """Carry both directions until the server has said its last, then close in order; a reset of one resets both."""

    async def upwards() -> None:
        await client.copy_to(server)
        server.writer.write_eof()

    try:
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(upwards())
            await server.copy_to(client)
            sending.cancel()
        await client.close()
    except* OSError:
        pass
    finally:
        client.abort()


async def _negotiated(client: socket.socket, upstream: Upstream, tls: ssl.SSLContext) -> Stream | None:
    """The encrypted stream, once the client has asked for it; None when it was told no, or wanted something else.

    Messages are read to their length and no further: what is sent too early must not be taken for what was encrypted
    (CVE-2021-23214).
    """
    loop = asyncio.get_running_loop()
    while True:
        length, code = _HEADER.unpack(await _exactly(client, _HEADER.size))
        if not _HEADER.size <= length <= _LARGEST_START_UP_BYTES:
            break
        rest = await _exactly(client, length - _HEADER.size)
        if code == _SSL_REQUEST:
            await loop.sock_sendall(client, b"S")
            return await open_stream(client, tls, _START_UP_S)
        if code == _GSSENC_REQUEST:
            await loop.sock_sendall(client, b"N")
            continue
        if code == _CANCEL_REQUEST:
            await _cancelled(_HEADER.pack(length, code) + rest, upstream)
        elif code >> 16 == 3:
            await loop.sock_sendall(client, _no_encryption(rest, str(client.getpeername()[0])))
        break
    client.close()
    return None


async def _cancelled(message: bytes, upstream: Upstream) -> None:
    """Pass a CancelRequest on; the server closes when it has seen to it."""
    server = await _connected(upstream)
    try:
        await server.send(message)
        await server.reader.read()
    finally:
        server.abort()


async def _exactly(client: socket.socket, count: int) -> bytes:
    """That many bytes and not one more. Raises ConnectionResetError when they do not come."""
    data = b""
    while len(data) < count:
        more = await asyncio.get_running_loop().sock_recv(client, count - len(data))
        if not more:
            reset(client)
            raise ConnectionResetError("closed in the middle of a start-up message")
        data += more
    return data


def _no_encryption(parameters: bytes, host: str) -> bytes:
    """The ErrorResponse of a pg_hba.conf that has nothing but hostssl (auth.c, ClientAuthentication)."""
    texts = [text.decode(errors="replace") for text in parameters.split(b"\0")]
    given = dict(zip(texts[::2], texts[1::2], strict=False))
    user = given.get("user", "")
    database = given.get("database") or user
    message = f'no pg_hba.conf entry for host "{host}", user "{user}", database "{database}", no encryption'
    fields = {"S": "FATAL", "V": "FATAL", "C": "28000", "M": message, "F": "auth.c", "R": "ClientAuthentication"}
    body = b"".join(f"{kind}{text}\0".encode() for kind, text in fields.items()) + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body
