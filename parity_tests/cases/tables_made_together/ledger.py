"""A ledger that makes its tables when it starts; with `--one-after-the-other` no two replicas do so at once."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import asyncpg
from websockets.asyncio.server import ServerConnection, serve

TABLES = (
    "CREATE TABLE IF NOT EXISTS books (name text PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS entries (number bigserial PRIMARY KEY, text text NOT NULL)",
    "SELECT pg_sleep(0.3)",  # what a first release fills them with: who comes meanwhile makes them as well
)


async def main() -> None:
    """Make the tables, then serve."""
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=2)
    try:
        async with pool.acquire() as connection, connection.transaction():
            if "--one-after-the-other" in sys.argv:
                await connection.execute("SELECT pg_advisory_xact_lock(1)")
            for table in TABLES:
                await connection.execute(table)
    except asyncpg.PostgresError as error:
        print(f"no tables: database: {error}", flush=True)
        sys.exit(1)

    async def entered(connection: ServerConnection) -> None:
        async for message in connection:
            text = json.loads(message)["text"]
            await pool.execute("INSERT INTO entries (text) VALUES ($1)", text)
            await connection.send(json.dumps({"type": "entered"}))

    async with serve(entered, "127.0.0.1", int(os.environ["PORT"])):
        print("tables are there", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
