"""TLS in front of a PostgreSQL that was built without it: it is asked for inside of PostgreSQL's own protocol."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from envparity.launch.process.accepting import Stream, open_stream
from envparity.launch.process.tls_front import START_UP_S, Upstream, connected, front_of
from envparity.launch.stream import reset
from envparity.support.stalls import within

__all__ = ["postgres_tls_front"]

# PostgreSQL's frontend/backend protocol, version 3.0, "Message Formats": what stands where a version would.
_CANCEL_REQUEST = 80877102
_SSL_REQUEST = 80877103
_GSSENC_REQUEST = 80877104
_HEADER = struct.Struct("!II")
_LARGEST_START_UP_BYTES = 10000  # MAX_STARTUP_PACKET_LENGTH


@asynccontextmanager
async def postgres_tls_front(
    upstream: Upstream, tls: ssl.SSLContext, listen_host: str = "127.0.0.1"
) -> AsyncIterator[tuple[str, int]]:
    """The address of a port that answers PostgreSQL's SSLRequest with TLS, and a start-up without it with 28000.

    A CancelRequest is passed on, with TLS or without, as the server itself would take it.
    """

    async def secured(client: socket.socket) -> Stream | None:
        async with within(START_UP_S):
            return await _negotiated(client, upstream, tls)

    async with front_of(upstream, secured, listen_host, "postgres") as address:
        yield address


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
            return await open_stream(client, tls, START_UP_S)
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
    server = await connected(upstream)
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
