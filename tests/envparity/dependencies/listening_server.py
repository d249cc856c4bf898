"""A server that passes on what is said by PostgreSQL's LISTEN and NOTIFY: features of a session."""

from __future__ import annotations

import asyncio
import json
import os

import asyncpg
from websockets.asyncio.server import ServerConnection, serve


async def talk(client: ServerConnection) -> None:
    """One client: says are notified by a connection of their own, and heard by another."""
    listening = await asyncpg.connect(os.environ["DATABASE_URL"])
    saying = await asyncpg.connect(os.environ["DATABASE_URL"])
    heard: asyncio.Queue[str] = asyncio.Queue()
    try:
        await listening.add_listener("said", lambda *told: heard.put_nowait(str(told[-1])))
        passing = asyncio.create_task(pass_on(client, heard))
        await client.send(json.dumps({"type": "welcome"}))
        async for message in client:
            await saying.execute(f"NOTIFY said, '{json.loads(message)['text']}'")
        passing.cancel()
    finally:
        await saying.close()
        listening.terminate()


async def pass_on(client: ServerConnection, heard: asyncio.Queue[str]) -> None:
    """What was heard, as it comes."""
    while True:
        await client.send(json.dumps({"type": "said", "text": await heard.get()}))


async def main() -> None:
    async with serve(talk, "127.0.0.1", int(os.environ["PORT"])):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
