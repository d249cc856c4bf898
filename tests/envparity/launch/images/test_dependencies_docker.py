"""The images of PostgreSQL and Redis, started for real: who is let in, and what a restart keeps."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio
from docker.models.containers import Container
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.envparity.launch.images.starting import READY_S, Servers, eventually

# Whom PostgreSQL refuses, asyncpg leaves with a transport that is still closing; the loop of a test may end before it.
pytestmark = [pytest.mark.docker, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]
PASSWORD = 'it\'s a \\ "strange" one, 32 bytes and more: %s $HOME'
STARTUP_VERSION = 3 << 16
STARTUP = b"user\0netra\0database\0chat\0\0"
STARTING_UP = b"57P03"  # cannot_connect_now
POSTGRES = {
    "POSTGRES_USER": "netra",
    "POSTGRES_DB": "chat",
    "POSTGRES_PASSWORD": PASSWORD,
    "POSTGRES_MAX_CONNECTIONS": "12",
}


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """What a driver has left is collected before tests of another module are blamed for it."""
    yield
    gc.collect()


async def postgres_connection(servers: Servers, server: Container, secure: ssl.SSLContext | bool) -> asyncpg.Connection:
    port = servers.port(server, 5432)

    async def speaking() -> None:
        # Asked first: a driver that is refused or reset while the server still starts leaves its transport open.
        reader, writer = await asyncio.open_connection("localhost", port)
        try:
            writer.write(struct.pack("!II", 8 + len(STARTUP), STARTUP_VERSION) + STARTUP)
            await writer.drain()
            answer = await reader.read(1024)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if not answer or STARTING_UP in answer:
            raise ConnectionError(f"PostgreSQL does not take connections at port {port}")

    await eventually("PostgreSQL", speaking, server)
    return await asyncpg.connect(
        host="localhost", port=port, user="netra", database="chat", password=PASSWORD, ssl=secure, timeout=READY_S
    )


async def test_postgres_with_tls_required_lets_in_by_tls_and_password_only(
    servers: Servers, certificate: dict[str, bytes], trust: ssl.SSLContext
) -> None:
    """Verified TLS and the right password come in; plain TCP, a wrong password and the superuser do not."""
    server = servers.start("postgres", {**POSTGRES, "POSTGRES_TLS": "required"}, certificate)
    connection = await postgres_connection(servers, server, trust)
    try:
        assert await connection.fetchval("SHOW max_connections") == "12"
        assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
        assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        await connection.execute("CREATE DATABASE another")
    finally:
        await connection.close()

    async def refused(user: str, password: str, secure: ssl.SSLContext | bool) -> None:
        port = servers.port(server, 5432)
        await asyncpg.connect(host="localhost", port=port, database="chat", user=user, password=password, ssl=secure)

    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no encryption"):
        await refused("netra", PASSWORD, secure=False)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await refused("netra", "wrong", trust)
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await refused("postgres", PASSWORD, trust)
    assert PASSWORD not in server.logs().decode()


async def test_postgres_keeps_its_data_over_a_restart(servers: Servers) -> None:
    """What was committed before docker restart is there after it, and the password is still the same."""
    server = servers.start("postgres", POSTGRES)
    connection = await postgres_connection(servers, server, secure=False)
    await connection.execute("CREATE TABLE kept (what text); INSERT INTO kept VALUES ('this')")
    await connection.close()
    server.restart(timeout=10)
    connection = await postgres_connection(servers, server, secure=False)
    assert await connection.fetchval("SELECT what FROM kept") == "this"
    await connection.close()


def test_postgres_without_a_password_refuses_to_start(servers: Servers) -> None:
    """A missing password is said by name and ends the container; it never means "no password"."""
    server = servers.start("postgres", {})
    assert server.wait(timeout=READY_S)["StatusCode"] == 64
    assert "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is required" in server.logs().decode()


def redis_client(servers: Servers, server: Container, **options: Any) -> redis.asyncio.Redis:
    return redis.asyncio.Redis(
        host="localhost", port=servers.port(server, 6379), retry=Retry(NoBackoff(), 0), **options
    )


async def test_redis_with_tls_required_lets_in_by_tls_and_password_only(
    servers: Servers, certificate: dict[str, bytes], tmp_path: Path
) -> None:
    """Verified TLS with the right password comes in, also after a restart; plain TCP and a wrong password do not."""
    password = 'a"strange\\one'
    authority = tmp_path / "ca.crt"
    authority.write_bytes(certificate["ca.crt"])
    environment = {"REDIS_PASSWORD": password, "REDIS_TLS": "required"}
    server = servers.start("redis", environment, certificate)
    for turn in ("start", "restart"):
        if turn == "restart":
            server.restart(timeout=10)
        async with redis_client(servers, server, ssl=True, ssl_ca_certs=str(authority), password=password) as client:
            assert await eventually(f"Redis after {turn}", client.ping, server, (redis.ConnectionError,))
        async with redis_client(servers, server, ssl=True, ssl_ca_certs=str(authority), password="wrong") as client:
            with pytest.raises(redis.AuthenticationError):
                await client.ping()
        async with redis_client(servers, server, password=password, socket_timeout=READY_S) as client:
            with pytest.raises(redis.ConnectionError):
                await client.ping()
    assert password not in str(server.top()) + server.logs().decode()
