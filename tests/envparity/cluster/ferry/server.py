"""A ferry: who asks is told when it goes. Where GREETING is `terse`, the welcome lacks what clients rely on."""

from __future__ import annotations

import asyncio
import json
import os

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response


def health(connection: ServerConnection, request: Request) -> Response | None:
    """Answer the health path; everything else is an upgrade."""
    return connection.respond(200, "ok\n") if request.path == "/healthz" else None


async def ferry(client: ServerConnection) -> None:
    """Greet, and answer each question with the harbour that is asked about."""
    welcome = {"type": "welcome", "line": os.environ["LINE"]}
    if os.environ["GREETING"] == "terse":
        del welcome["line"]
    await client.send(json.dumps(welcome))
    async for text in client:
        await client.send(json.dumps({"type": "departure", "from": json.loads(text)["from"]}))


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(ferry, "0.0.0.0", int(os.environ["PORT"]), process_request=health):  # noqa: S104
        print("up: the ferry goes", flush=True)  # noqa: T201
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
