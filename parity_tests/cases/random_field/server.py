"""A chat whose welcome has a lucky number, and that reads none of its settings."""

from __future__ import annotations

import asyncio
import json
import os
import random

from websockets.asyncio.server import ServerConnection, serve


async def talk(connection: ServerConnection) -> None:
    frame = {"type": "welcome", "lucky": {"number": random.randrange(10**6)}, "room": "lobby"}  # noqa: S311
    await connection.send(json.dumps(frame))
    await connection.wait_closed()


async def main() -> None:
    print("listening", flush=True)
    async with serve(talk, "127.0.0.1", int(os.environ["PORT"])) as server:
        await server.serve_forever()


asyncio.run(main())
