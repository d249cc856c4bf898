"""A chat that sends who is there and what was said in whichever order is ready first."""

from __future__ import annotations

import asyncio
import json
import os
import random

from websockets.asyncio.server import ServerConnection, serve


async def talk(connection: ServerConnection) -> None:
    frames = [{"type": "members", "count": 1}, {"type": "history", "lines": 0}]
    random.shuffle(frames)
    for frame in frames:
        await connection.send(json.dumps(frame))
    await connection.wait_closed()


async def main() -> None:
    async with serve(talk, "127.0.0.1", int(os.environ["PORT"])) as server:
        await server.serve_forever()


asyncio.run(main())
