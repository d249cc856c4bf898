"""The tables, and the prices they start with. Safe when two replicas start at the same moment, and when repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from netra_backend.app.db.postgres import Postgres

SCHEMA_VERSION = 1
TABLES = ("agent_runs", "messages", "prices", "schema_version", "threads")

# US dollars for a million tokens, in and out.
PRICES = {"small": ("0.15", "0.60"), "medium": ("1.10", "4.40"), "large": ("3.00", "15.00")}

# The key of the advisory lock that serialises schema creation; any number that nobody else uses in this database.
_LOCK = 0x6E657472

# One string, so that it is one round trip and, in the simple query protocol, one transaction:
# https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
_STATEMENTS = f"""
SELECT pg_advisory_xact_lock({_LOCK});
CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY);
INSERT INTO schema_version VALUES ({SCHEMA_VERSION}) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS threads (
    thread_id text PRIMARY KEY,
    user_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS messages (
    user_id text NOT NULL,
    message_id text NOT NULL,
    role text NOT NULL CHECK (role IN ('user', 'assistant')),
    thread_id text NOT NULL REFERENCES threads,
    position bigint GENERATED ALWAYS AS IDENTITY,
    text text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, message_id, role)
);
CREATE INDEX IF NOT EXISTS messages_of_thread ON messages (thread_id, position);
CREATE TABLE IF NOT EXISTS agent_runs (
    user_id text NOT NULL,
    message_id text NOT NULL,
    run_id text NOT NULL,
    thread_id text NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    completed text,
    PRIMARY KEY (user_id, message_id)
);
CREATE TABLE IF NOT EXISTS prices (
    model text PRIMARY KEY,
    usd_per_million_input_tokens numeric NOT NULL,
    usd_per_million_output_tokens numeric NOT NULL
);
INSERT INTO prices VALUES {", ".join(f"('{model}', {into}, {out})" for model, (into, out) in PRICES.items())}
    ON CONFLICT DO NOTHING;
"""  # noqa: S608  # only constants of this module go in


async def create_schema(postgres: Postgres) -> None:
    """Create what is missing. Raises DependencyUnavailable or DependencyRefused."""
    async with postgres.connection() as connection:
        await connection.execute(_STATEMENTS)


class DatabaseState(NamedTuple):
    """What a database says of itself: is this very connection encrypted, and what is there of ours."""

    tls_in_use: bool
    version: int | None
    price_count: int
    tables: list[str]


# In one question, because each one costs a round trip. The names are compared as text, which asyncpg knows how to send;
# the type of an array of names it would have to ask the server about first.
_STATE = """
SELECT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls_in_use,
       (SELECT max(version) FROM schema_version) AS version,
       (SELECT count(*) FROM prices) AS price_count,
       ARRAY(
           SELECT tablename::text FROM pg_tables
           WHERE schemaname = current_schema() AND tablename = ANY($1::text[]) ORDER BY tablename
       ) AS tables
"""


async def database_state(postgres: Postgres) -> DatabaseState:
    """Ask the database. Raises DependencyUnavailable; asyncpg's own error where a table that is asked is missing."""
    async with postgres.connection() as connection:
        row: Any = await connection.fetchrow(_STATE, list(TABLES))
    return DatabaseState(bool(row["tls_in_use"]), row["version"], row["price_count"], row["tables"])
