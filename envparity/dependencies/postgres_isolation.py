"""Databases of their own for warm boots that share a PostgreSQL server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

from envparity.dependencies.postgres_client import run_sql
from envparity.dependency.kind import Administrator, Ground, Server
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.support.stalls import within

__all__ = ["Databases"]

_PREFIX = "envparity_warm_"
_READY_S = 30.0


class Databases:
    """Empty databases on one PostgreSQL server, some made ahead; each is given out once and dropped afterwards."""

    def __init__(self, session: Administrator, owner: str, server: Server, ahead: int, memory_folder: str) -> None:
        self._session, self._owner, self._server, self._memory_folder = session, owner, server, memory_folder
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._ahead, self._made, self._awaited = ahead, 0, 0
        self._prefix = f"{_PREFIX}{secrets.token_hex(4)}"
        self._under_way: set[asyncio.Task[None]] = set()
        self._failure: LaunchError | DeadlineExceeded | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, ground: Ground, name: str, url: str, server: Server, ahead: int) -> AsyncIterator[Databases]:
        """Those of that dependency, for the role that its URL names; `server` is reached without its proxy."""
        async with ground.administrator(name) as session:
            databases = cls(session, unquote(urlsplit(url).username or ""), server, ahead, ground.memory_folder)
            try:
                await databases._make_template()
                databases._make_ahead()
                yield databases
            finally:
                # Their deadlines are the statements' own. The databases go with their server.
                await asyncio.gather(*databases._under_way, return_exceptions=True)

    async def take(self, lane: int) -> str:
        """The name of an empty database that nobody has had, whatever the lane."""
        del lane
        try:
            async with within(_READY_S):
                name = await self._ready.get()
        except TimeoutError as error:
            raise DeadlineExceeded("an empty database", _READY_S) from error
        self._awaited -= 1
        if self._failure is not None:
            raise self._failure
        self._make_ahead()
        return name

    def give_back(self, place: str) -> None:
        """Drop it, in the background; whoever is still connected is thrown out."""
        self._background(self._drop(place))

    async def command(self, place: str, command: tuple[str, ...]) -> object:
        """SQL in that database, as the role that owns it."""
        statement, *parameters = command
        return await run_sql(self._server, self._owner, place, statement, parameters)

    def _make_ahead(self) -> None:
        while self._awaited < self._ahead:
            self._awaited += 1
            self._made += 1
            self._background(self._make(f"{self._prefix}_{self._made}"))

    async def _make_template(self) -> None:
        """An empty database in memory, which has been connected to once.

        A copy of it, file by file, costs a tenth of one by way of the log and the disk, and its first session finds
        the catalogue's cache there. It does not outlive a restart of the server, nor do its copies.
        """
        folder = f"{self._memory_folder}/{self._prefix}"
        await self._session.run(
            f"\\! mkdir -m 0700 {folder}",
            f"CREATE TABLESPACE \"{self._prefix}\" LOCATION '{folder}'",
            f'CREATE DATABASE "{self._prefix}" OWNER "{self._owner}" TABLESPACE "{self._prefix}"',
            f"\\connect {self._prefix}",
            "\\connect postgres",
        )

    async def _make(self, name: str) -> None:
        try:
            # As the image's own database was made: the role owns it, and nobody else comes in.
            await self._session.run(
                f'CREATE DATABASE "{name}" OWNER "{self._owner}" TEMPLATE "{self._prefix}"'
                f' TABLESPACE "{self._prefix}" STRATEGY file_copy',
                f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC',
                f'GRANT CONNECT ON DATABASE "{name}" TO "{self._owner}"',
            )
        except (LaunchError, DeadlineExceeded) as error:
            self._failure = error
        self._ready.put_nowait(name)

    async def _drop(self, name: str) -> None:
        try:
            await self._session.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        except (LaunchError, DeadlineExceeded) as error:
            self._failure = error

    def _background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work, name="a database to come or go")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
