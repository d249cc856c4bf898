"""The ledger as it is to be released, with the migration that its argument names: each holds on an empty database."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import asyncpg
from websockets.asyncio.server import ServerConnection, serve

TABLE = "CREATE TABLE IF NOT EXISTS entries (number bigserial PRIMARY KEY, text text NOT NULL)"
# What the migration does, and how an entry is made afterwards.
MIGRATIONS = {
    "default": (
        "ALTER TABLE entries ADD COLUMN language text NOT NULL DEFAULT 'en'",
        "INSERT INTO entries (text) VALUES ($1)",
    ),
    "required": (
        "ALTER TABLE entries ADD COLUMN language text NOT NULL",
        "INSERT INTO entries (text, language) VALUES ($1, 'en')",
    ),
    "rename": (
        "ALTER TABLE entries RENAME COLUMN text TO body",
        "INSERT INTO entries (body) VALUES ($1)",
    ),
}
DONE = "CREATE TABLE migrated (name text PRIMARY KEY)"


async def main() -> None:
    """Make the table, migrate it once, then serve."""
    migration, entry = MIGRATIONS[sys.argv[1]]
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=2)
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(1)")
            await connection.execute(TABLE)
            if await connection.fetchval("SELECT to_regclass('migrated')") is None:
                await connection.execute(migration)
                await connection.execute(DONE)
    except asyncpg.PostgresError as error:
        print(f"no tables: database: {error}", flush=True)
        sys.exit(1)

    async def entered(connection: ServerConnection) -> None:
        async for message in connection:
            await pool.execute(entry, json.loads(message)["text"])
            await connection.send(json.dumps({"type": "entered"}))

    async with serve(entered, "127.0.0.1", int(os.environ["PORT"])):
        print("tables are there", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
