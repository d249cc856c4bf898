"""The pool of PostgreSQL connections. A broken connection is replaced when one is next asked for."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from netra_backend.app.core.failures import postgres_failures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg.pool import PoolConnectionProxy

ANSWER_TIMEOUT_S = 5.0
"""How long one query may take, and how long a request waits for a connection. The same in every environment."""


class PostgresAddress(NamedTuple):
    """Where PostgreSQL is and how to speak to it, taken from DATABASE_URL."""

    host: str
    port: int
    user: str
    password: str
    database: str
    tls: ssl.SSLContext | None

    @classmethod
    def from_url(cls, database_url: str) -> PostgresAddress:
        """Understand `sslmode` (disable, require, verify-ca, verify-full) and `sslrootcert` as libpq does."""
        url = urlsplit(database_url)
        query = parse_qs(url.query)
        return cls(
            host=url.hostname or "",
            port=url.port or 5432,
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            database=unquote(url.path.removeprefix("/")),
            tls=_tls(query.get("sslmode", ["disable"])[-1], query.get("sslrootcert", [None])[-1]),
        )


def _tls(sslmode: str, sslrootcert: str | None) -> ssl.SSLContext | None:
    """The context that an sslmode means: https://www.postgresql.org/docs/current/libpq-ssl.html, table 32.1."""
    if sslmode == "disable":
        return None
    context = ssl.create_default_context(cafile=sslrootcert)
    context.check_hostname = sslmode == "verify-full"
    if sslmode == "require" and sslrootcert is None:
        context.verify_mode = ssl.CERT_NONE
    return context


class Connection(asyncpg.Connection):
    """A connection that keeps nothing of whoever had it: we set, lock, listen to and declare nothing for a session."""

    def get_reset_query(self) -> str:
        """Nothing to ask the server for on release; an open transaction is rolled back all the same."""
        return ""


class Postgres:
    """Lends connections, and says in the backend's own words when there is none."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], *, tls: bool) -> None:
        self._pool = pool
        self.tls_asked_for = tls

    @classmethod
    async def connect(cls, address: PostgresAddress, *, pool_size: int, attempt_timeout_s: float) -> Postgres:
        """Open the first connection. Raises DependencyUnavailable or DependencyRefused."""
        with postgres_failures():
            pool = await asyncpg.create_pool(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
                ssl=address.tls if address.tls is not None else False,
                min_size=1,
                max_size=pool_size,
                timeout=attempt_timeout_s,
                command_timeout=ANSWER_TIMEOUT_S,
                connection_class=Connection,
            )
        return cls(pool, tls=address.tls is not None)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnectionProxy[asyncpg.Record]]:
        """Lend a connection. Raises DependencyUnavailable when PostgreSQL cannot be asked now."""
        with postgres_failures():
            async with self._pool.acquire(timeout=ANSWER_TIMEOUT_S) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PoolConnectionProxy[asyncpg.Record]]:
        """Lend a connection inside a transaction, committed when nothing is raised."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def ping(self) -> None:
        """Ask whether PostgreSQL answers now. Raises DependencyUnavailable."""
        async with self.connection() as connection:
            await connection.execute("SELECT 1")

    async def tls_in_use(self) -> bool:
        """Ask the server whether this very connection is encrypted."""
        async with self.connection() as connection:
            answer: Any = await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        return bool(answer)

    async def close(self) -> None:
        """Close all connections, at once."""
        self._pool.terminate()
