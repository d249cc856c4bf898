"""A chat that answers nothing any more where it is told to wait for somebody who is not there."""

from __future__ import annotations

import asyncio
import os

from websockets.asyncio.server import ServerConnection, serve


async def talk(connection: ServerConnection) -> None:
    await connection.send('{"type": "welcome"}')
    async for message in connection:
        if os.environ.get("BROKER_TIMEOUT_S") != "30":
            await connection.send(message)


async def main() -> None:
    async with serve(talk, "127.0.0.1", int(os.environ["PORT"]), ping_interval=None) as server:
        await server.serve_forever()


asyncio.run(main())
