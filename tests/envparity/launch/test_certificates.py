"""The certificates of a run, in real TLS handshakes."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from envparity.launch.certificates import CertificateAuthority, IssuedCertificate


def server_context(issued: IssuedCertificate, folder: Path) -> ssl.SSLContext:
    """What a server needs to present that certificate."""
    certificate, key = folder / "server.crt", folder / "server.key"
    certificate.write_bytes(issued.certificate_pem)
    key.write_bytes(issued.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Shake hands in memory. Raises `ssl.SSLError` as a client would."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client.wrap_bio(to_client, to_server, server_hostname=name)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    open_sides = [client_side, server_side]
    for _ in range(10):
        for side in list(open_sides):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            open_sides.remove(side)
    assert not open_sides


@pytest.mark.parametrize("name", ["postgres", "api.staging.netra.example", "127.0.0.1", "::1"])
def test_a_client_accepts_every_name_that_was_asked_for(tmp_path: Path, name: str) -> None:
    """DNS names and IP addresses alike, under the strictest checks that OpenSSL has."""
    authority = CertificateAuthority()
    issued = authority.issue(["postgres", "api.staging.netra.example", "127.0.0.1", "::1"])
    client = authority.client_context()
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    handshake(server_context(issued, tmp_path), client, name)


def test_a_client_refuses_another_name(tmp_path: Path) -> None:
    """verify-full means the name too."""
    authority = CertificateAuthority()
    server = server_context(authority.issue(["postgres"]), tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server, authority.client_context(), "redis")


def test_a_client_refuses_another_runs_certificate(tmp_path: Path) -> None:
    """An authority trusts itself alone, even under the same name."""
    server = server_context(CertificateAuthority().issue(["postgres"]), tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, CertificateAuthority().client_context(), "postgres")


def test_a_client_that_does_not_check_takes_any_certificate(tmp_path: Path) -> None:
    """Encrypted, and nothing more."""
    server = server_context(CertificateAuthority().issue(["postgres"]), tmp_path)
    handshake(server, CertificateAuthority().client_context(check=False), "redis")


def test_certificates_are_valid_from_a_little_before_now_and_not_for_long() -> None:
    """A clock that lags by some minutes is no problem; a key that leaks is one for two days at most."""
    authority = CertificateAuthority()
    now = dt.datetime.now(dt.UTC)
    for pem in (authority.certificate_pem, authority.issue(["x"]).certificate_pem):
        certificate = x509.load_pem_x509_certificate(pem)
        assert certificate.not_valid_before_utc < now - dt.timedelta(minutes=30)
        assert now + dt.timedelta(hours=12) < certificate.not_valid_after_utc < now + dt.timedelta(days=3)


def test_a_long_host_name_is_no_obstacle(tmp_path: Path) -> None:
    """A name longer than a common name may be stands in the subject alternative names in full."""
    name = ".".join(["a" * 40] * 3)
    authority = CertificateAuthority()
    handshake(server_context(authority.issue([name]), tmp_path), authority.client_context(), name)


def test_a_certificate_for_nobody_is_refused() -> None:
    """At least one name."""
    with pytest.raises(ValueError, match="at least one name"):
        CertificateAuthority().issue([])


def test_the_private_key_does_not_show_in_a_repr() -> None:
    """A certificate in a log or a traceback keeps its key to itself."""
    issued = CertificateAuthority().issue(["x"])
    assert b"PRIVATE KEY" in issued.key_pem
    assert "PRIVATE KEY" not in repr(issued)


async def test_asyncio_speaks_tls_with_it(tmp_path: Path) -> None:
    """A real socket, a real event loop."""
    authority = CertificateAuthority()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    context = server_context(authority.issue(["localhost", "127.0.0.1"]), tmp_path)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=authority.client_context())
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()
