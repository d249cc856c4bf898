"""A server whose greeting says two limits, each of which has a setting of its own."""

from __future__ import annotations

import asyncio
import json
import os

from websockets.asyncio.server import ServerConnection, serve


async def greet(client: ServerConnection) -> None:
    """Say the limits, and wait until the client goes."""
    limits = {"burst": int(os.environ["BURST"]), "rate": int(os.environ["RATE"])}
    await client.send(json.dumps({"type": "greeting", "limits": limits}))
    await client.wait_closed()


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(greet, "127.0.0.1", int(os.environ["PORT"])):
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
