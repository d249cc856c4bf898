"""A signpost: says how it is to whoever asks, and which site's pages may read that."""

from __future__ import annotations

import asyncio
import http
import json
import os

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response


def healthy(connection: ServerConnection, request: Request) -> Response | None:
    """Answer the health path, and with an error what is no path."""
    if request.path == "/signs":
        return None
    status = http.HTTPStatus.OK if request.path == "/healthz" else http.HTTPStatus.NOT_FOUND
    response = connection.respond(status, "ok\n" if status == http.HTTPStatus.OK else "there is no such way\n")
    if os.environ["READERS"] == "everybody":
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response


async def welcome(client: ServerConnection) -> None:
    """Welcome whoever comes, for as long as they like."""
    await client.send(json.dumps({"type": "welcome"}))
    await client.wait_closed()


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(welcome, "0.0.0.0", int(os.environ["PORT"]), process_request=healthy):  # noqa: S104
        print("up: the signpost stands", flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
