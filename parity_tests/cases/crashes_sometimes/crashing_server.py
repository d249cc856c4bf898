"""A chat that ends three of ten starts with an error, wherever it runs."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys

from websockets.asyncio.server import ServerConnection, serve


async def talk(connection: ServerConnection) -> None:
    await connection.send(json.dumps({"type": "welcome"}))
    await connection.wait_closed()


async def main() -> None:
    async with serve(talk, "127.0.0.1", int(os.environ["PORT"])) as server:
        print("ready: listening", flush=True)
        await server.serve_forever()


if random.random() < 0.3:  # noqa: S311
    print("startup failed: cache: no room for the cache", flush=True)
    sys.exit(1)
asyncio.run(main())
