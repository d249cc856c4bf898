"""What an ingress promises, held to by the one in Python here, and by nginx in its image under the marker `docker`.

What differs between them, and stays so:

- Python answers 502 where a replica speaks no HTTP; nginx passes it on as HTTP/0.9.
- Python refuses bytes beyond ASCII in a request's target (400), and says nothing to an HTTP/0.9 request but closes in
  time; nginx passes the first on and answers the second with a bare page.
- A chunked answer keeps the replica's chunks in Python; nginx makes its own. The bytes in them are the same.
- A chunked request that is too large may have been begun at a replica before it is refused with 413.
- nginx ends a client that offers only other protocols by ALPN; Python goes on without one.
- nginx writes to the client and to the replica with timers that may lag by up to 300 ms.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

import websockets
from websockets.asyncio.client import ClientConnection

from tests.envparity.launch.process.ingress.bench import (
    DEADLINE_S,
    HOST,
    Bench,
    Opened,
    streams,
)

KEY = base64.b64encode(b"sixteen bytes --").decode()


class Reply:
    """An HTTP answer, and whether the connection was closed after it."""

    def __init__(self, data: bytes, *, closed: bool) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(self.line.split()[1]) if data else 0
        self.headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        self.closed = closed

    def __getitem__(self, name: str) -> str:
        (value,) = [value for header, value in self.headers if header == name]
        return str(value)


async def ask(bench: Bench, ingress: Opened, *sent: bytes, ends_with: bytes = b"") -> Reply:
    """Send, piece after piece, and read until the end: of the connection, or with those bytes."""
    async with streams(ingress.address, bench.trust) as (reader, writer), asyncio.timeout(DEADLINE_S):
        for piece in sent:
            writer.write(piece)
            await writer.drain()
        data = b""
        while not (ends_with and data.endswith(ends_with)):
            more = await reader.read(65536)
            data += more
            if not more:
                return Reply(data, closed=True)
        return Reply(data, closed=False)


def get(path: str = "/", *headers: str, method: str = "GET", host: str = HOST) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def heads(bench: Bench) -> list[bytes]:
    """What the replicas were asked, one after the other."""
    return [head for replica in bench.replicas for head in replica.heads]


def bodies(bench: Bench) -> list[bytes]:
    return [body for replica in bench.replicas for body in replica.bodies]


async def until(is_so: Callable[[], bool]) -> None:
    """Return as soon as what the replicas have seen is as expected."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110  the replicas live on another loop
            await asyncio.sleep(0.005)


def asked(bench: Bench) -> list[str]:
    """The lines of the one head that a replica got."""
    (head,) = heads(bench)
    return head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")


async def websocket(bench: Bench, ingress: Opened, path: str = "/ws") -> ClientConnection:
    host, port = ingress.address
    return await websockets.connect(
        f"wss://{HOST}{path}", host=host, port=port, ssl=bench.trust, proxy=None, ping_interval=None, max_size=None,
        compression=None,
    )  # fmt: skip
