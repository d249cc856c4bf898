"""TLS in front of the real servers of the wheels, asked by the real clients: who comes in, who does not, and how."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from envparity.dependencies.postgres_front import postgres_tls_front
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.process.tls_front import server_context
from envparity.launch.process.tls_front import tls_front as redis_tls_front
from tests.servers import Server

DEADLINE_S = 60.0
SSL_REQUEST = struct.pack("!II", 8, 80877103)
GSSENC_REQUEST = struct.pack("!II", 8, 80877104)
Address = tuple[str, int]


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority("the one that is trusted")


@pytest.fixture(scope="module")
def tls(authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder = tmp_path_factory.mktemp("tls")
    made = server_context(authority.issue(["localhost"]), folder)
    assert not list(folder.iterdir()), "the key stays nowhere"
    return made


@pytest.fixture
async def postgres_front(postgres: Server, tls: ssl.SSLContext) -> AsyncIterator[Address]:
    """The session's PostgreSQL, reached by its Unix socket."""
    async with postgres_tls_front(postgres.socket, tls) as address:
        yield address


@pytest.fixture
async def redis_front(redis: Server, tls: ssl.SSLContext) -> AsyncIterator[Address]:
    async with redis_tls_front(("127.0.0.1", redis.port), tls) as address:
        yield address


async def connection(address: Address, url: str, secure: ssl.SSLContext | bool) -> asyncpg.Connection:
    parts = urlsplit(url)
    return await asyncpg.connect(
        host="localhost",
        port=address[1],
        user=parts.username,
        password=parts.password,
        database=parts.path[1:],
        ssl=secure,
        timeout=DEADLINE_S,
    )


async def test_postgres_is_reached_by_verified_tls(
    postgres_front: Address, postgres_url: str, authority: CertificateAuthority
) -> None:
    """Name and authority checked, asyncpg comes in, and large answers and large arguments pass whole."""
    client = await connection(postgres_front, postgres_url, authority.client_context())
    try:
        large = "x" * 3_000_000
        assert await client.fetchval("SELECT $1 || $1", large) == large * 2
    finally:
        await client.close()


@pytest.mark.parametrize("wrong", ["authority", "name"])
async def test_a_certificate_that_is_not_trusted_is_noticed(
    postgres_front: Address, redis_front: Address, postgres_url: str, authority: CertificateAuthority, wrong: str
) -> None:
    """The client that checks, as verify-full does, refuses another authority, and another name than it asked for."""
    trusting = (CertificateAuthority("another") if wrong == "authority" else authority).client_context()
    host = "localhost" if wrong == "authority" else "127.0.0.1"
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncpg.connect(postgres_url, host=host, port=postgres_front[1], ssl=trusting, timeout=DEADLINE_S)
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(host, redis_front[1], ssl=trusting)


async def test_postgres_without_tls_is_refused_as_hostssl_refuses_it(
    postgres_front: Address, postgres_url: str
) -> None:
    """SQLSTATE 28000 and PostgreSQL's own words, before any password was asked for."""
    expected = r'^no pg_hba\.conf entry for host "127\.0\.0\.1", user "app", database "app", no encryption$'
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match=expected):
        await connection(postgres_front, postgres_url, secure=False)


async def test_a_wrong_password_is_the_servers_own_refusal(
    postgres_front: Address, postgres_url: str, authority: CertificateAuthority
) -> None:
    """Nothing but the encryption is the front's."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connection(postgres_front, postgres_url.replace("made-up", "wrong"), authority.client_context())


async def test_a_query_is_cancelled_through_the_front(
    postgres_front: Address, postgres_url: str, authority: CertificateAuthority
) -> None:
    """By asyncpg's own way, and by a plain CancelRequest, which PostgreSQL takes from anybody who knows the key."""
    client = await connection(postgres_front, postgres_url, authority.client_context())
    try:
        with pytest.raises(TimeoutError):
            await client.fetchval("SELECT pg_sleep(60)", timeout=0.05)
        assert await client.fetchval("SELECT 1", timeout=DEADLINE_S) == 1
        key = client._protocol.backend_secret  # type: ignore[attr-defined]  # asyncpg-stubs knows the public part
        sleeping = asyncio.create_task(client.fetchval("SELECT pg_sleep(60)", timeout=DEADLINE_S))
        await asleep(postgres_url, client.get_server_pid())
        reader, writer = await asyncio.open_connection(*postgres_front)
        writer.write(struct.pack("!IIIi", 16, 80877102, client.get_server_pid(), key))
        assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
        writer.close()
        with pytest.raises(asyncpg.QueryCanceledError):
            await sleeping
    finally:
        await client.close()


async def asleep(url: str, pid: int) -> None:
    """Return when that backend runs its query."""
    observer = await asyncpg.connect(url, timeout=DEADLINE_S)
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not await observer.fetchval(
                "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $1", pid
            ):
                pass
    finally:
        await observer.close()


async def test_gssapi_encryption_is_declined_and_tls_taken_after_it(postgres_front: Address) -> None:
    """A libpq may ask for one and then for the other, on the same connection: N, then S."""
    reader, writer = await asyncio.open_connection(*postgres_front)
    writer.write(GSSENC_REQUEST)
    assert await reader.readexactly(1) == b"N"
    writer.write(SSL_REQUEST)
    assert await reader.readexactly(1) == b"S"
    writer.close()


async def test_what_was_sent_before_the_encryption_never_reaches_the_server(postgres_front: Address) -> None:
    """Bytes that come along with the SSLRequest are the beginning of a handshake that fails (CVE-2021-23214)."""
    reader, writer = await asyncio.open_connection(*postgres_front)
    writer.write(SSL_REQUEST + struct.pack("!II", 9, 196608) + b"\0")
    answer = await asyncio.wait_for(reader.read(), DEADLINE_S)
    assert answer[:1] == b"S"
    assert b"FATAL" not in answer
    writer.close()


@pytest.mark.parametrize("message", [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET / HTTP/1.1\r\n", b"\0\0\0\x04\0\0\0\0"])
async def test_what_is_no_start_up_message_is_hung_up_on(postgres_front: Address, message: bytes) -> None:
    """TLS from the first byte, HTTP, an impossible length: no answer."""
    reader, writer = await asyncio.open_connection(*postgres_front)
    writer.write(message)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), DEADLINE_S)
    writer.close()


async def test_redis_is_reached_by_verified_tls_and_not_without(
    redis_front: Address, authority: CertificateAuthority, tmp_path: Path
) -> None:
    """redis-py with the authority's certificate comes in, also with large values; one that speaks plain TCP not."""
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(authority.certificate_pem)
    once = Retry(NoBackoff(), 0)
    url = f"rediss://localhost:{redis_front[1]}/0?ssl_ca_certs={trusted}"
    async with redis.asyncio.from_url(url, retry=once, socket_timeout=DEADLINE_S) as client:
        await client.set("large", "x" * 1_000_000)
        assert await client.get("large") == b"x" * 1_000_000
        await client.delete("large")
    plain = url.replace("rediss", "redis").partition("?")[0]
    async with redis.asyncio.from_url(plain, retry=once, socket_timeout=DEADLINE_S) as client:
        with pytest.raises(redis.exceptions.ConnectionError):
            await client.ping()


async def test_while_the_server_is_away_clients_are_reset(tls: ssl.SSLContext, tmp_path: Path) -> None:
    """A front alone is no server: it hangs up before it has said anything."""
    async with postgres_tls_front(tmp_path / "no.socket", tls) as address:
        reader, writer = await asyncio.open_connection(*address)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), DEADLINE_S)
        writer.close()


async def test_leaving_it_ends_its_connections_and_leaves_no_task(
    redis: Server, tls: ssl.SSLContext, authority: CertificateAuthority
) -> None:
    """Also those in the middle of a handshake."""
    before = asyncio.all_tasks()
    async with redis_tls_front(("127.0.0.1", redis.port), tls) as address:
        half = socket.create_connection(address)
        reader, writer = await asyncio.open_connection(
            *address, ssl=authority.client_context(), server_hostname="localhost"
        )
        writer.write(b"PING\r\n")
        assert await reader.readline() == b"+PONG\r\n"
    assert asyncio.all_tasks() == before
    assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
    writer.close()
    half.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
