"""A bell that rings for pages of its own site: it compares Origin with the scheme that it believes to be asked by."""

from __future__ import annotations

import asyncio
import http
import json
import logging
import os

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

BELIEVES_FORWARDED = os.environ.get("BELIEVE_FORWARDED_PROTO", "0") == "1"
log = logging.getLogger("bell")


def door(connection: ServerConnection, request: Request) -> Response | None:
    """Answer the health path, and refuse pages of other sites."""
    if request.path == "/healthz":
        return connection.respond(http.HTTPStatus.OK, "ok\n")
    scheme = request.headers.get("X-Forwarded-Proto", "http") if BELIEVES_FORWARDED else "http"
    own, origin = f"{scheme}://{request.headers['Host']}", request.headers.get("Origin")
    if origin == own:
        return None
    log.warning("origin %s is not %s: sent away", origin, own)
    return connection.respond(http.HTTPStatus.FORBIDDEN, "this bell is not yours\n")


async def ring(client: ServerConnection) -> None:
    """Ring once for every frame."""
    async for _ in client:
        await client.send(json.dumps({"type": "rang"}))


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(ring, "0.0.0.0", int(os.environ["PORT"]), process_request=door):  # noqa: S104
        log.info("up: the bell hangs")
        await asyncio.get_running_loop().create_future()


logging.basicConfig(level=logging.INFO, format="%(message)s")
logging.getLogger("websockets").setLevel(logging.WARNING)
asyncio.run(main())
