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
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from envparity.launch.certificates import IssuedCertificate
from envparity.launch.process.accepting import Accepting, Stream, open_stream

__all__ = ["START_UP_S", "Upstream", "connected", "front_of", "server_context", "tls_front"]

Upstream = tuple[str, int] | Path  #: where the server without TLS listens: host and port, or a Unix socket

START_UP_S = 60.0  # PostgreSQL's authentication_timeout; Redis has none, and a handshake is no reason to wait longer
_CONNECT_TIMEOUT_S = 5.0


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
async def tls_front(
    upstream: Upstream, tls: ssl.SSLContext, listen_host: str = "127.0.0.1", name: str = "server"
) -> AsyncIterator[tuple[str, int]]:
    """The address of a port that speaks TLS from the first byte, and carries what is in it to the server and back.

    A client that speaks anything else is cut off; one that comes while the server is away is reset.
    """

    async def secured(client: socket.socket) -> Stream:
        return await open_stream(client, tls, START_UP_S)

    async with front_of(upstream, secured, listen_host, name) as address:
        yield address


@asynccontextmanager
async def front_of(
    upstream: Upstream, secured: Callable[[socket.socket], Awaitable[Stream | None]], listen_host: str, name: str
) -> AsyncIterator[tuple[str, int]]:
    """The address of a port whose clients are carried to the server once `secured` has let them in, by TLS."""

    async def serve(client: socket.socket) -> None:
        # The server first: while it is away, nobody is let believe that there is one.
        server = await connected(upstream)
        try:
            stream = await secured(client)
            if stream is not None:
                await _carry(stream, server)
        finally:
            server.abort()

    async with Accepting(listen_host, serve, name=f"TLS front of {name}") as front:
        yield front.address


async def connected(upstream: Upstream) -> Stream:
    """A connection to the server itself. Raises `OSError`."""
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
