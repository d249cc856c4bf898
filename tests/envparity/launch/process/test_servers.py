"""Servers of the system and of the wheels, as they are started for a stack."""

from __future__ import annotations

import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from envparity.dependencies import postgres_server as found
from envparity.dependencies.postgres_front import postgres_tls_front
from envparity.dependencies.postgres_server import PostgresServer
from envparity.dependencies.redis_server import RedisServer
from envparity.dependencies.redis_session import RedisSession
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.process.programs import ServerPrograms
from envparity.launch.process.servers import ProcessServer
from envparity.launch.process.tls_front import server_context

pytestmark = pytest.mark.processes

PASSWORD = 'it\'s "made" \\up'
READY_S = 60.0


def wheels_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "_DEBIAN", Path("/nowhere"))
    monkeypatch.setattr(shutil, "which", lambda *_args, **_kwargs: None)


@pytest.fixture(params=["as found", "wheels"])
def start(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, server_folder: Path
) -> Iterator[Callable[..., ProcessServer]]:
    if request.param == "wheels":
        wheels_only(monkeypatch)
    started: list[ProcessServer] = []

    def start_one(kind: type[ProcessServer], **options: object) -> ProcessServer:
        name = f"t{time.monotonic_ns() % 10**9}"
        server = kind(ServerPrograms(server_folder), server_folder / name, PASSWORD, **options)  # type: ignore[arg-type]
        started.append(server)
        server.start()
        until_ready(server)
        server.prepare()
        return server

    yield start_one
    for server in started:
        server.stop_now()
        server.held.release()


def until_ready(server: ProcessServer) -> None:
    deadline = time.monotonic() + READY_S
    while not server.ready:
        assert time.monotonic() < deadline, server.child.log_tail(10)


async def test_postgres_has_the_role_the_database_and_the_limit(start: Callable[..., ProcessServer]) -> None:
    """The password is asked for, the superuser does not come in by TCP, and data outlives a restart."""
    server = start(PostgresServer, max_connections=20)
    address: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "database": "app"}
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(**address, user="app", password="wrong")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(**address, user="postgres", password=PASSWORD)
    client = await asyncpg.connect(**address, user="app", password=PASSWORD)
    assert await client.fetchval("SHOW max_connections") == "20"
    assert await client.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is False
    await client.execute("CREATE TABLE kept (n int)")
    await client.close()
    await server.stop()
    server.start()
    until_ready(server)
    client = await asyncpg.connect(**address, user="app", password=PASSWORD)
    assert await client.fetchval("SELECT count(*) FROM kept") == 0
    await client.close()


async def test_behind_tls_postgres_tells_a_client_that_it_is_encrypted(
    start: Callable[..., ProcessServer], tmp_path: Path
) -> None:
    """Also in a database that is made later: what asks `pg_stat_ssl` gets the answer that a container gives."""
    server = start(PostgresServer, socket_only=True)
    authority = CertificateAuthority()
    tls: ssl.SSLContext = authority.client_context()
    async with postgres_tls_front(server.socket, server_context(authority.issue(["127.0.0.1"]), tmp_path)) as (
        host,
        port,
    ):
        for database in ("app", "another"):
            client = await asyncpg.connect(
                host=host, port=port, user="app", password=PASSWORD, database=database, ssl=tls
            )
            asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            assert await client.fetchval(asked) is True
            if database == "app":
                await client.execute("CREATE DATABASE another")
            await client.close()


async def test_redis_asks_for_the_password(start: Callable[..., ProcessServer]) -> None:
    """As it is, whatever characters it has."""
    server = start(RedisServer)
    async with RedisSession.open(("127.0.0.1", server.port), PASSWORD, None) as session:
        assert await session.run(0, ("PING",)) == "PONG"
        assert await session.run(0, ("CONFIG", "GET", "databases")) == ["databases", "16"]
