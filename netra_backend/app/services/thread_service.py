"""Threads, messages and runs in PostgreSQL: only ever the user's own, each message answered once."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from netra_backend.app.core.failures import DependencyUnavailable
from netra_backend.app.core.moments import rfc3339
from netra_backend.app.services.unreleased_claims import UnreleasedClaims

if TYPE_CHECKING:
    from decimal import Decimal

    from asyncpg.pool import PoolConnectionProxy

    from netra_backend.app.core.user_execution_context import UserExecutionContext
    from netra_backend.app.db.postgres import Postgres

CLAIM_LEASE_S = 30
"""How long a run that was claimed and never finished keeps others from taking it over (its replica was killed)."""


class ThreadNotFound(Exception):
    """There is no such thread, or it is somebody else's: the two are not told apart."""


class RunInProgress(Exception):
    """The same message is being answered at this moment."""


class Claim(NamedTuple):
    """The right to answer one message, once; or, when `completed` is there, the answer it had before."""

    run_id: str
    thread_id: str
    completed: dict[str, Any] | None


class StoredMessage(NamedTuple):
    """One message of a thread, as it was stored."""

    message_id: str
    role: str
    text: str
    created_at: str


class ThreadService:
    """Stores and finds what was said."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self._unreleased = UnreleasedClaims(CLAIM_LEASE_S)

    async def claim(self, user_id: str, message_id: str, thread_id: str | None, text: str) -> Claim:
        """Store the message and claim its run. Raises ThreadNotFound, RunInProgress, DependencyUnavailable."""
        run_id = str(uuid.uuid4())
        try:
            claim = await self._claimed(user_id, message_id, thread_id, text, run_id)
        except DependencyUnavailable:  # it may have been committed, and the answer lost
            self._unreleased.add(user_id, message_id, run_id)
            raise
        self._unreleased.forget(user_id, message_id)
        return claim

    async def _claimed(self, user_id: str, message_id: str, thread_id: str | None, text: str, run_id: str) -> Claim:
        async with self.postgres.transaction() as connection:
            if thread_id is not None:
                await self._own(connection, user_id, thread_id)
            row = await connection.fetchrow(
                """
                INSERT INTO agent_runs AS runs (user_id, message_id, run_id, thread_id) VALUES ($1, $2, $3, $4)
                ON CONFLICT (user_id, message_id) DO UPDATE SET run_id = excluded.run_id, claimed_at = now()
                    WHERE runs.completed IS NULL
                        AND (runs.run_id = ANY($5) OR runs.claimed_at < now() - make_interval(secs => $6))
                RETURNING run_id, thread_id
                """,
                user_id,
                message_id,
                run_id,
                thread_id or str(uuid.uuid4()),
                self._unreleased.of(user_id, message_id),
                float(CLAIM_LEASE_S),
            )
            if row is None:
                return await self._earlier(connection, user_id, message_id)
            await connection.execute(
                """
                WITH thread AS (INSERT INTO threads (thread_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING)
                INSERT INTO messages (user_id, message_id, role, thread_id, text) VALUES ($2, $3, 'user', $1, $4)
                ON CONFLICT DO NOTHING
                """,
                row["thread_id"],
                user_id,
                message_id,
                text,
            )
        return Claim(row["run_id"], row["thread_id"], None)

    async def complete(
        self, context: UserExecutionContext, message_id: str, answer: str, completed: dict[str, Any]
    ) -> None:
        """Store the answer and that the run is done, in one statement. Raises DependencyUnavailable."""
        async with self.postgres.connection() as connection:
            await connection.execute(
                """
                WITH done AS (
                    UPDATE agent_runs SET completed = $5 WHERE user_id = $1 AND message_id = $2 AND run_id = $6
                    RETURNING 1
                )
                INSERT INTO messages (user_id, message_id, role, thread_id, text)
                SELECT $1, $2, 'assistant', $3, $4 FROM done ON CONFLICT DO NOTHING
                """,
                context.user_id,
                message_id,
                context.thread_id,
                answer,
                json.dumps(completed),
                context.run_id,
            )

    async def release(self, user_id: str, message_id: str, run_id: str) -> None:
        """Give back a claim whose run failed, so that a resent message is answered. Raises DependencyUnavailable."""
        self._unreleased.add(user_id, message_id, run_id)
        async with self.postgres.connection() as connection:
            await connection.execute(
                """
                UPDATE agent_runs SET claimed_at = '-infinity'
                WHERE user_id = $1 AND message_id = $2 AND run_id = $3 AND completed IS NULL
                """,
                user_id,
                message_id,
                run_id,
            )
        self._unreleased.forget(user_id, message_id)

    async def history(self, user_id: str, thread_id: str, limit: int) -> list[StoredMessage]:
        """The last `limit` messages of the user's own thread, oldest first. Raises ThreadNotFound."""
        async with self.postgres.connection() as connection:
            await self._own(connection, user_id, thread_id)
            rows = await connection.fetch(
                """
                SELECT message_id, role, text, created_at FROM messages
                WHERE user_id = $1 AND thread_id = $2 ORDER BY position DESC LIMIT $3
                """,
                user_id,
                thread_id,
                limit,
            )
        return [
            StoredMessage(row["message_id"], row["role"], row["text"], rfc3339(row["created_at"]))
            for row in reversed(rows)
        ]

    async def usage(self, user_id: str) -> tuple[int, int, int]:
        """How many threads, messages and characters the user has sent."""
        async with self.postgres.connection() as connection:
            row = await connection.fetchrow(
                """
                SELECT count(DISTINCT thread_id) AS threads, count(*) AS messages,
                       coalesce(sum(length(text)), 0) AS characters
                FROM messages WHERE user_id = $1 AND role = 'user'
                """,
                user_id,
            )
        if row is None:
            raise LookupError("an aggregate without a row")
        return row["threads"], row["messages"], row["characters"]

    async def prices(self) -> dict[str, tuple[Decimal, Decimal]]:
        """US dollars for a million tokens in and out, by model, cheapest first."""
        async with self.postgres.connection() as connection:
            rows = await connection.fetch("SELECT * FROM prices ORDER BY usd_per_million_input_tokens, model")
        return {
            row["model"]: (row["usd_per_million_input_tokens"], row["usd_per_million_output_tokens"]) for row in rows
        }

    async def _own(self, connection: PoolConnectionProxy[Any], user_id: str, thread_id: str) -> None:
        owned = await connection.fetchval(
            "SELECT true FROM threads WHERE thread_id = $1 AND user_id = $2", thread_id, user_id
        )
        if not owned:
            raise ThreadNotFound(thread_id)

    async def _earlier(self, connection: PoolConnectionProxy[Any], user_id: str, message_id: str) -> Claim:
        row = await connection.fetchrow(
            "SELECT run_id, thread_id, completed FROM agent_runs WHERE user_id = $1 AND message_id = $2",
            user_id,
            message_id,
        )
        if row is None or row["completed"] is None:
            raise RunInProgress(message_id)
        return Claim(row["run_id"], row["thread_id"], json.loads(row["completed"]))
