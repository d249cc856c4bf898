"""A TCP connection to an address, and in words why there is none."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

__all__ = ["first_byte", "first_bytes", "tcp_connection", "why_not"]

_ONE_OF_SEVERAL_S = 2.0
"""How long one address of a name may take before the next is tried."""

_ANSWERS_S = 1.0

_NARROW_BYTES = 4096
"""What a client that does not read has room for."""

_SEGMENT_BYTES = 1400
"""What a segment holds on most networks: by it the sender's system reckons how much it keeps for who does not read."""


async def tcp_connection(address: tuple[str, int], source: str = "", *, narrow: bool = False) -> socket.socket:
    """A connected socket, to the first address of that host that answers; from that `source` of this machine.

    `narrow`: it has little room for what is not read, and neither has the peer's system as far as that goes by it.
    Raises OSError, also where this machine has no such address.
    """
    host, port = address
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, resolved in found[:-1]:
        try:
            async with asyncio.timeout(_ONE_OF_SEVERAL_S):
                return await _connected(_socket(family, kind, protocol, narrow=narrow), resolved, source)
        except OSError:  # a TimeoutError is one too
            continue
    family, kind, protocol, _, resolved = found[-1]
    return await _connected(_socket(family, kind, protocol, narrow=narrow), resolved, source)


async def first_byte(
    host: str, port: int, said: bytes, tls: ssl.SSLContext | None = None, server_name: str | None = None
) -> bytes:
    """The first byte that is answered there to what is said; none where nobody answers within a second."""
    return (await first_bytes(host, port, said, tls, server_name))[:1]


async def first_bytes(
    host: str, port: int, said: bytes, tls: ssl.SSLContext | None = None, server_name: str | None = None
) -> bytes:
    """What is answered first there to what is said, as much as comes at once; nothing where nobody answers in time."""
    try:
        async with asyncio.timeout(_ANSWERS_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=server_name)
            try:
                writer.write(said)
                return await reader.read(_SEGMENT_BYTES)
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


def _socket(family: int, kind: int, protocol: int, *, narrow: bool) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    if narrow:  # before it connects: the window and the segment are agreed upon with the first packets
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT_BYTES)
    return sock


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
