"""A TCP connection to an address, and in words why there is none."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

__all__ = ["first_byte", "tcp_connection", "why_not"]

_ONE_OF_SEVERAL_S = 2.0
"""How long one address of a name may take before the next is tried."""

_ANSWERS_S = 1.0


async def tcp_connection(address: tuple[str, int], source: str = "") -> socket.socket:
    """A connected socket, to the first address of that host that answers; from that `source` of this machine.

    Raises OSError, also where this machine has no such address.
    """
    host, port = address
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, resolved in found[:-1]:
        try:
            async with asyncio.timeout(_ONE_OF_SEVERAL_S):
                return await _connected(socket.socket(family, kind, protocol), resolved, source)
        except OSError:  # a TimeoutError is one too
            continue
    family, kind, protocol, _, resolved = found[-1]
    return await _connected(socket.socket(family, kind, protocol), resolved, source)


async def first_byte(
    host: str, port: int, said: bytes, tls: ssl.SSLContext | None = None, server_name: str | None = None
) -> bytes:
    """The first byte that is answered there to what is said; none where nobody answers within a second."""
    try:
        async with asyncio.timeout(_ANSWERS_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=server_name)
            try:
                writer.write(said)
                return await reader.read(1)
            finally:
                writer.close()
    except OSError:  # a TimeoutError is one too
        return b""


def why_not(error: OSError) -> str:
    """Why a connection could not be had, without the address that differs in every run."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    if error.errno is None or isinstance(error, ssl.SSLError):
        return str(error)
    if isinstance(error, socket.gaierror):
        return f"the name is not known: {error.strerror}"
    return os.strerror(error.errno)


async def _connected(sock: socket.socket, address: tuple[object, ...], source: str) -> socket.socket:
    try:
        sock.setblocking(False)  # noqa: FBT003  the socket module has it so
        if source:
            sock.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
