"""A gate with a porter: who comes must be known by scheme, host and room, and may then stay."""

from __future__ import annotations

import asyncio
import http
import json
import os

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

WANTED = (
    ("X-Forwarded-Proto", "http", http.HTTPStatus.BAD_REQUEST),
    ("Host", "gate.example", http.HTTPStatus.MISDIRECTED_REQUEST),
    ("X-Room", "blue", http.HTTPStatus.FORBIDDEN),
)


def porter(connection: ServerConnection, request: Request) -> Response | None:
    """Answer the health path, and send away whom the ingress says too little of."""
    if request.path == "/healthz":
        return connection.respond(http.HTTPStatus.OK, "ok\n")
    if request.path != "/gate":
        return connection.respond(http.HTTPStatus.NOT_FOUND, "there is no such gate\n")
    for name, expected, status in WANTED:
        if request.headers.get(name) != expected:
            return connection.respond(status, f"{name} is not {expected}\n")
    return None


async def stay(client: ServerConnection) -> None:
    """Welcome whoever came in, for as long as they like."""
    await client.send(json.dumps({"type": "welcome"}))
    await client.wait_closed()


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(stay, "0.0.0.0", int(os.environ["PORT"]), process_request=porter):  # noqa: S104
        print("up: the gate is open", flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
