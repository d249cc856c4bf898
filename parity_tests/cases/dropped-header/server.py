"""A board of notices: who comes is known by a header of the client's own, whose name HEADER says."""

from __future__ import annotations

import asyncio
import json
import logging
import os

import jwt
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

HEADER = os.environ["HEADER"]
log = logging.getLogger("board")


def health(connection: ServerConnection, request: Request) -> Response | None:
    """Answer the health paths; everything else is an upgrade."""
    return connection.respond(200, "ok\n") if request.path == "/healthz" else None


async def board(client: ServerConnection) -> None:
    """Greet whoever brings a good token, and read notices back."""
    token = client.request.headers.get(HEADER) if client.request is not None else None
    if token is None:
        log.warning("no ticket in %s: sent away", HEADER)
        await client.send(json.dumps({"type": "error", "reason": "no_ticket"}))
        await client.close(4401, "no_ticket")
        return
    claims = jwt.decode(
        token,
        os.environ["TICKET_KEY"],
        ["HS256"],
        audience=os.environ["TICKET_AUDIENCE"],
        issuer=os.environ["TICKET_ISSUER"],
    )
    await client.send(json.dumps({"type": "welcome", "user": claims["sub"]}))
    async for text in client:
        await client.send(json.dumps({"type": "notice", "text": json.loads(text)["text"]}))


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(board, "0.0.0.0", int(os.environ["PORT"]), process_request=health):  # noqa: S104
        log.info("up: the board hangs")
        await asyncio.get_running_loop().create_future()


logging.basicConfig(level=logging.INFO, format="%(message)s")
asyncio.run(main())
