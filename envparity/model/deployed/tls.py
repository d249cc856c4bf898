"""TLS to what is deployed: who is trusted, and the certificate that a client shows."""

from __future__ import annotations

import ssl

__all__ = ["client_context"]


def client_context(
    ca: str | None, certificate: str | None = None, key: str | None = None, *, besides: bool = False
) -> ssl.SSLContext:
    """A client's context that checks certificates and hosts, against the system's authorities or those of the bundle.

    With `besides` the bundle's are trusted beside the system's. `certificate` and `key` are PEM files of what the
    client shows of itself. Raises OSError, of which `ssl.SSLError` is one, for a file that cannot be read, and for a
    key with a passphrase.
    """
    context = ssl.create_default_context(cafile=None if besides else ca)
    if besides and ca is not None:
        context.load_verify_locations(ca)
    if certificate is not None:
        context.load_cert_chain(certificate, key, password=lambda: "")
    return context
