"""A chat that tells its clients where to upload, by the address under which they came."""

from __future__ import annotations

import asyncio
import json
import os

from websockets.asyncio.server import ServerConnection, serve


async def talk(connection: ServerConnection) -> None:
    assert connection.request is not None
    scheme = connection.request.headers.get("X-Forwarded-Proto", "http")
    host = connection.request.headers["Host"]
    path = os.environ.get("UPLOAD_PATH", "/upload")
    welcome = {"type": "welcome", "upload": f"{scheme}://{host}{path}", "limit": int(os.environ["LIMIT"])}
    await connection.send(json.dumps(welcome))
    await connection.wait_closed()


async def main() -> None:
    async with serve(talk, "127.0.0.1", int(os.environ["PORT"])) as server:
        await server.serve_forever()


asyncio.run(main())
