"""A long-lived session with a PostgreSQL server as its superuser, so that preparing a database costs no new process."""

from __future__ import annotations

import asyncio

from envparity.dependency.kind import Shell
from envparity.errors import LaunchError

__all__ = ["PSQL", "PostgresSession"]

# Its peer is the superuser: PostgreSQL's own socket, reached by nobody else.
PSQL = ("psql", "-X", "-q", "-A", "-t", "-U", "postgres", "-d", "postgres", "-v", "ON_ERROR_STOP=0")
_DONE = "envparity-statement-done"


class PostgresSession:
    """One `psql`, wherever it runs, which takes statements one after the other."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._one_at_a_time = asyncio.Lock()

    async def run(self, *statements: str) -> None:
        """Run them, SQL each in a transaction of its own, and psql's own commands.

        Raises `LaunchError` with what is said against one, `DeadlineExceeded`.
        """
        lines = [
            statement if statement.startswith("\\") else f"{statement};"
            for statement in (*statements, f"\\echo {_DONE}")
        ]
        async with self._one_at_a_time:
            said = await self._shell.ask("".join(f"{line}\n" for line in lines), _DONE)
        if "ERROR:" in said or "FATAL:" in said:
            raise LaunchError(f"PostgreSQL refuses {statements[0].split('(')[0]!r}: {said.strip()}")
