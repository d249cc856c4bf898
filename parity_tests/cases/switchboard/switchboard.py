"""A switchboard: opens its lines to NATS when it starts, keeps those that it gets, and welcomes who calls."""

from __future__ import annotations

import asyncio
import http
import json
import os
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response


def healthy(connection: ServerConnection, request: Request) -> Response | None:
    """Answer the health path."""
    return connection.respond(http.HTTPStatus.OK, "ok\n") if request.path == "/healthz" else None


async def welcome(client: ServerConnection) -> None:
    """Welcome whoever calls, for as long as they like."""
    await client.send(json.dumps({"type": "welcome"}))
    await client.wait_closed()


async def main() -> None:
    """Serve until the process is told to end."""
    url = urlsplit(os.environ["NATS_URL"])
    lines = []
    for _ in range(int(os.environ["POOL"])):
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        await reader.readline()
        writer.write(b'CONNECT {"verbose":false}\r\n')
        lines.append((reader, writer))
    async with serve(welcome, "0.0.0.0", int(os.environ["PORT"]), process_request=healthy):  # noqa: S104
        print("up: the switchboard is open", flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
