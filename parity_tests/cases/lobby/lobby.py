"""A lobby that keeps seats in memory: who has taken one over HTTP may come back to it by a WebSocket."""

from __future__ import annotations

import asyncio
import http
import json
import logging
import os
import secrets

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

log = logging.getLogger("lobby")
seats: set[str] = set()


def answer(connection: ServerConnection, request: Request) -> Response | None:
    """Answer the health path, and give a seat; everything else is an upgrade."""
    if request.path == "/healthz":
        return connection.respond(http.HTTPStatus.OK, "ok\n")
    if request.path != "/seats":
        return None
    given = secrets.token_hex(8)
    seats.add(given)
    return connection.respond(http.HTTPStatus.OK, json.dumps({"number": given}))


async def sit(client: ServerConnection) -> None:
    """Welcome back whoever returns to a seat."""
    async for text in client:
        number = json.loads(text)["number"]
        if number in seats:
            await client.send(json.dumps({"type": "welcome_back"}))
        else:
            log.warning("nobody has that seat here: %d are taken", len(seats))
            await client.send(json.dumps({"type": "error", "reason": "unknown_seat"}))


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(sit, "0.0.0.0", int(os.environ["PORT"]), process_request=answer):  # noqa: S104
        log.info("up: the lobby is open")
        await asyncio.get_running_loop().create_future()


logging.basicConfig(level=logging.INFO, format="%(message)s")
logging.getLogger("websockets").setLevel(logging.WARNING)
asyncio.run(main())
