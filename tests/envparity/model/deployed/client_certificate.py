"""A certificate that a client shows, which is its own authority."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.self_signed import self_signed

__all__ = ["asks_for", "client_files"]


def client_files(folder: Path, passphrase: bytes | None = None) -> dict[str, str]:
    """The keys of [deployed] that name the certificate and its key, which are written into that folder."""
    key, certificate = self_signed("probe")
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    files = {"client_certificate": folder / "client.crt", "client_key": folder / "client.key"}
    files["client_certificate"].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files["client_key"].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    )
    return {key: str(path) for key, path in files.items()}


def asks_for(context: ssl.SSLContext, files: dict[str, str]) -> ssl.SSLContext:
    """A server's context that lets nobody in without that certificate."""
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(files["client_certificate"])
    return context
