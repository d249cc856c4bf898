"""Servers as the backend and the harness see them, whoever has started them: URLs, and whether one answers."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import quote, urlencode

from envparity.environment import Dependency

__all__ = ["CA_PATH", "DATABASE", "USER", "answers", "dependency_sources"]

CA_PATH = "/etc/envparity/tls/ca.crt"
"""Where a container has the certificate of the run's authority, and what a setting says that means it."""

USER = DATABASE = "app"
"""The role and the database that the backend gets on a PostgreSQL server."""
# PostgreSQL's SSLRequest (protocol 3.0, "SSLRequest"): a server that is up answers with one byte, S or N.
_SSL_REQUEST = bytes.fromhex("00000008 04d2162f")


def dependency_sources(
    name: str, dependency: Dependency, address: tuple[str, int], password: str, ca_path: str
) -> dict[str, str]:
    """What settings may take from a dependency: `<name>.url`, `.host`, `.port`, `.password`.

    `address` is where the backend reaches it, `ca_path` where it finds the authority's certificate.
    """
    host, port = address
    secret = quote(password, safe="")
    if dependency.kind == "postgres":
        query: dict[str, str] = {"sslmode": "disable" if dependency.tls == "off" else dependency.tls}
        if dependency.tls == "verify-full":
            query["sslrootcert"] = ca_path
        url = f"postgresql://{USER}:{secret}@{host}:{port}/{DATABASE}?{urlencode(query, safe='/')}"
    else:
        scheme = "redis" if dependency.tls == "off" else "rediss"
        url = f"{scheme}://{f':{secret}@' if dependency.password else ''}{host}:{port}/0"
        if dependency.tls != "off":
            url += "?" + urlencode({"ssl_ca_certs": ca_path}, safe="/")
    return {f"{name}.url": url, f"{name}.host": host, f"{name}.port": str(port), f"{name}.password": password}


async def answers(kind: str, host: str, port: int, tls: ssl.SSLContext | None) -> bool:
    """True when a server of that kind speaks its protocol there. One try; never longer than a second."""
    try:
        async with asyncio.timeout(1.0):
            # PostgreSQL upgrades to TLS inside its own protocol; Redis starts with it.
            context = tls if kind == "redis" else None
            reader, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname="redis" if context else None
            )
            try:
                writer.write(_SSL_REQUEST if kind == "postgres" else b"PING\r\n")
                first = await reader.read(1)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return first in (b"S", b"N") if kind == "postgres" else first in (b"+", b"-")
