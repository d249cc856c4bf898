"""What `sslmode` and `rediss` mean: a TLS proxy before the real PostgreSQL and Redis, whose wheels speak no TLS."""

from __future__ import annotations

import asyncio
import ssl
import struct
from typing import TYPE_CHECKING

import pytest

from netra_backend.app.cache.redis_link import RedisLink
from netra_backend.app.core.failures import DependencyRefused
from netra_backend.app.db.postgres import Postgres, PostgresAddress
from tests.netra_backend.certificates import write_certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers import Server

SSL_REQUEST = struct.pack("!II", 8, 80877103)
"""What a client sends that wants TLS: https://www.postgresql.org/docs/current/protocol-message-formats.html"""


class TlsProxy:
    """Ends TLS before a server that has none; after PostgreSQL's request for it, or from the first byte."""

    def __init__(self, target: int, certificates: Path, *, on_request: bool) -> None:
        self._target = target
        self._on_request = on_request
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self.encrypted: list[bool] = []
        self.port = 0

    async def serve(self) -> asyncio.Server:
        """Listen on a free port of 127.0.0.1."""
        from_the_first_byte = None if self._on_request else self._context
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=from_the_first_byte)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            first = await reader.readexactly(8) if self._on_request else b""
            if first == SSL_REQUEST:
                first = b""
                writer.write(b"S")
                await writer.start_tls(self._context)
            self.encrypted.append(writer.get_extra_info("ssl_object") is not None)
            there_writer.write(first)
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        except (OSError, EOFError):
            pass  # the client did not accept the certificate, or has gone
        finally:
            there_writer.close()
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority and a server's certificate; beside it, another authority."""
    folder = tmp_path_factory.mktemp("certificates")
    for made in (folder / "this", folder / "other"):
        made.mkdir()
        write_certificates(made)
    return folder / "this"


@pytest.fixture
async def postgres_proxy(postgres: Server, certificates: Path) -> AsyncIterator[TlsProxy]:
    """A TLS proxy before the session's PostgreSQL."""
    proxy = TlsProxy(postgres.port, certificates, on_request=True)
    async with await proxy.serve():
        yield proxy


@pytest.fixture
async def redis_proxy(redis: Server, certificates: Path) -> AsyncIterator[TlsProxy]:
    """A TLS proxy before the session's Redis."""
    proxy = TlsProxy(redis.port, certificates, on_request=False)
    async with await proxy.serve():
        yield proxy


async def connect(url: str, proxy: TlsProxy, query: str, certificates: Path) -> Postgres:
    """Connect through the proxy, as the backend does."""
    address = url.rpartition("@")[0] + f"@127.0.0.1:{proxy.port}/postgres"
    named = query.format(ca=certificates / "ca.pem", other=certificates.parent / "other" / "ca.pem")
    return await Postgres.connect(PostgresAddress.from_url(address + named), pool_size=1, attempt_timeout_s=5)


@pytest.mark.parametrize(
    ("query", "encrypted"),
    [
        ("", False),
        ("?sslmode=disable", False),
        ("?sslmode=require", True),
        ("?sslmode=require&sslrootcert={ca}", True),
        ("?sslmode=verify-ca&sslrootcert={ca}", True),
        ("?sslmode=verify-full&sslrootcert={ca}", True),
    ],
)
async def test_sslmode_decides_whether_it_is_encrypted(
    postgres_proxy: TlsProxy, postgres_url: str, certificates: Path, query: str, encrypted: bool
) -> None:
    """As the other side sees it."""
    postgres = await connect(postgres_url, postgres_proxy, query, certificates)
    await postgres.ping()
    assert postgres.tls_asked_for is encrypted
    assert postgres_proxy.encrypted == [encrypted]
    assert await postgres.tls_in_use() is False  # the server behind the proxy is asked, and it says the truth
    await postgres.close()


@pytest.mark.parametrize(
    "query",
    [
        "?sslmode=verify-full&sslrootcert={other}",
        "?sslmode=verify-ca&sslrootcert={other}",
        "?sslmode=require&sslrootcert={other}",
        "?sslmode=verify-full",
    ],
)
async def test_a_certificate_of_another_authority_is_a_refusal(
    postgres_proxy: TlsProxy, postgres_url: str, certificates: Path, query: str
) -> None:
    """Waiting would not help, and the reason is the certificate."""
    with pytest.raises(DependencyRefused, match="certificate"):
        await connect(postgres_url, postgres_proxy, query, certificates)


async def test_only_verify_full_asks_for_the_name(
    postgres_proxy: TlsProxy, postgres_url: str, certificates: Path, tmp_path: Path
) -> None:
    """A certificate for another address: verify-ca takes it, verify-full does not."""
    write_certificates(tmp_path, host="192.0.2.1")
    postgres_proxy._context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    postgres = await connect(postgres_url, postgres_proxy, "?sslmode=verify-ca&sslrootcert={ca}", tmp_path)
    await postgres.close()
    with pytest.raises(DependencyRefused, match="certificate"):
        await connect(postgres_url, postgres_proxy, "?sslmode=verify-full&sslrootcert={ca}", tmp_path)


async def test_rediss_verifies_with_its_authority(redis_proxy: TlsProxy, certificates: Path) -> None:
    """Encrypted, and only with a certificate of the authority that the URL names."""
    link = RedisLink(f"rediss://127.0.0.1:{redis_proxy.port}/0?ssl_ca_certs={certificates / 'ca.pem'}")
    await link.ping()
    assert link.tls_asked_for
    assert link.tls_in_use
    assert redis_proxy.encrypted == [True]
    await link.close()
    for query in (f"?ssl_ca_certs={certificates.parent / 'other' / 'ca.pem'}", ""):
        link = RedisLink(f"rediss://127.0.0.1:{redis_proxy.port}/0{query}")
        with pytest.raises(DependencyRefused, match="certificate"):
            await link.ping()
        await link.close()


async def test_rediss_finds_its_authority_in_ssl_cert_file(
    redis_proxy: TlsProxy, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ssl_ca_certs the system's authorities count, and SSL_CERT_FILE says where they are."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    link = RedisLink(f"rediss://127.0.0.1:{redis_proxy.port}/0")
    await link.ping()
    await link.close()
