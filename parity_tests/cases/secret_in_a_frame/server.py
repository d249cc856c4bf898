"""A chat that keeps no secret: what it is given and what it is told comes back in frames, logs, answers and reasons."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from http import HTTPStatus
from urllib.parse import quote

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

GIVEN = {name: os.environ[name] for name in ("SHARED_TOKEN", "SIGNING_KEY", "MADE_SECRET", "DATABASE_DSN")}
SPELLED = {
    **GIVEN,
    **{f"{name} quoted": quote(value, safe="") for name, value in GIVEN.items()},
    **{f"{name} in base64": base64.b64encode(f"user:{value}".encode()).decode() for name, value in GIVEN.items()},
    **{f"{name} in hex": value.encode().hex() for name, value in GIVEN.items()},
}


def answer(connection: ServerConnection, request: Request) -> Response | None:
    print("request", request.path, dict(request.headers.raw_items()), file=sys.stderr, flush=True)
    if request.path == "/health/startup":
        report = {"status": "pass", "settings": [{"name": name, "value": value} for name, value in GIVEN.items()]}
        return connection.respond(HTTPStatus.OK, json.dumps(report))
    if request.path.startswith("/health"):
        return connection.respond(HTTPStatus.OK, json.dumps(SPELLED))
    return None


async def talk(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(json.dumps({"type": "echo", "said": json.loads(message), "held": SPELLED}))
        await connection.close(4000, f"by {GIVEN['SHARED_TOKEN']}")


async def main() -> None:
    for name, value in SPELLED.items():
        print(name, "is", value, flush=True)
    async with serve(talk, "127.0.0.1", int(os.environ["PORT"]), process_request=answer) as server:
        await server.serve_forever()


asyncio.run(main())
