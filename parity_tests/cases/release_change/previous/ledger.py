"""The ledger as it was released: what is entered is kept, and listed."""

from __future__ import annotations

import asyncio
import json
import os

import asyncpg
from websockets.asyncio.server import ServerConnection, serve

TABLE = "CREATE TABLE IF NOT EXISTS entries (number bigserial PRIMARY KEY, text text NOT NULL)"


async def main() -> None:
    """Make the table, then serve."""
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=2)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(1)")
        await connection.execute(TABLE)

    async def entered(connection: ServerConnection) -> None:
        async for message in connection:
            await pool.execute("INSERT INTO entries (text) VALUES ($1)", json.loads(message)["text"])
            await connection.send(json.dumps({"type": "entered"}))

    async with serve(entered, "127.0.0.1", int(os.environ["PORT"])):
        print("tables are there", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
