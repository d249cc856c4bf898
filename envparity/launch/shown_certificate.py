"""What the certificate is that a server shows, and whether it is good for its host."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl

from cryptography import x509
from cryptography.x509.oid import NameOID

from envparity.errors import LaunchError
from envparity.launch.connecting import tcp_connection, why_not
from envparity.launch.port import Endpoint

__all__ = ["look"]

_NAMES = 4  # of the certificate, that are quoted


async def look(endpoint: Endpoint, timeout_s: float) -> str:
    """Connect, shake hands over TLS, and hang up. Returns what the certificate is, in words; "" without TLS.

    Connecting and the TLS handshake have `timeout_s` each. Raises `LaunchError` that says why there is no connection,
    and what the certificate is where it is that which is not accepted.
    """
    try:
        spoken, certificate = await _shake_hands(endpoint, endpoint.tls, timeout_s)
    except ssl.SSLCertVerificationError as error:
        raise LaunchError(f"{why_not(error)}\n{await _unverified(endpoint, timeout_s)}") from error
    except TimeoutError as error:
        raise LaunchError(f"no connection within {timeout_s:g} s") from error
    except OSError as error:
        raise LaunchError(why_not(error)) from error
    return f"{spoken}, {_in_words(certificate)}" if certificate is not None else ""


async def _shake_hands(
    endpoint: Endpoint, tls: ssl.SSLContext | None, timeout_s: float
) -> tuple[str, x509.Certificate | None]:
    async with asyncio.timeout(timeout_s):
        sock = await tcp_connection(endpoint.address)
    if tls is None:
        sock.close()
        return "", None
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=endpoint.server_name)
    except BaseException:
        sock.close()
        raise
    try:
        spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
        der = spoken.getpeercert(binary_form=True)
        return spoken.version() or "TLS", x509.load_der_x509_certificate(der) if der else None
    finally:
        writer.transport.abort()


async def _unverified(endpoint: Endpoint, timeout_s: float) -> str:
    """What the certificate is that was not accepted. Nothing is sent to whoever shows it."""
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    try:
        _, certificate = await _shake_hands(endpoint, unchecked, timeout_s)
    except (OSError, TimeoutError):
        return ""
    return _in_words(certificate) if certificate is not None else ""


def _in_words(certificate: x509.Certificate) -> str:
    until = certificate.not_valid_after_utc
    left = (until - dt.datetime.now(dt.UTC)).days
    lasts = f"{left} days left" if left >= 0 else f"expired {-left} days ago"
    issuer = _named(certificate.issuer)
    return f"certificate for {_hosts(certificate)}, issued by {issuer}, valid until {until:%Y-%m-%d} ({lasts})"


def _hosts(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return _named(certificate.subject)
    found = [str(item) for kind in (x509.DNSName, x509.IPAddress) for item in names.get_values_for_type(kind)]
    more = f" and {len(found) - _NAMES} more" if len(found) > _NAMES else ""
    return ", ".join(found[:_NAMES]) + more or _named(certificate.subject)


def _named(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        found = name.get_attributes_for_oid(kind)
        if found:
            return str(found[0].value)
    return name.rfc4514_string() or "nobody"
