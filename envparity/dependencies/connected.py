"""A connection to a server as who is known there, for as long as one thing is done in it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from envparity.dependency.kind import Server
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.support.stalls import within

__all__ = ["LOCALHOST", "Streams", "connected"]

LOCALHOST = "localhost"
"""A name that every certificate of a run's servers has."""

_ANSWER_S = 15.0


class Streams(NamedTuple):
    """Both directions of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@asynccontextmanager
async def connected(what: str, server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[Streams]:
    """Connect, by that TLS from the first byte where it is given.

    Whatever goes wrong with the connection inside of it is a `LaunchError` that names `what`; all of it has to be over
    within some seconds, else `DeadlineExceeded`.
    """
    try:
        async with within(_ANSWER_S):
            name = LOCALHOST if tls else None
            reader, writer = await asyncio.open_connection(server.host, server.port, ssl=tls, server_hostname=name)
            try:
                yield Streams(reader, writer)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError as error:
        raise DeadlineExceeded(f"{what} to answer", _ANSWER_S) from error
    except asyncio.IncompleteReadError as error:
        raise LaunchError(f"{what} hung up") from error
    except OSError as error:
        raise LaunchError(f"no connection to {what}: {error}") from error
