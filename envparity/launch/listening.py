"""Whether a port listens: asked of the kernel where it can be, so that the server does not even see it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

from envparity.launch.connecting import tcp_connection
from envparity.launch.listening_ports import listening_ports
from envparity.launch.tcp_table import OWN_NETWORK, tcp_sockets

__all__ = ["accepts", "listens", "network_of", "serves_http"]

_CONNECT_S = 1.0


def network_of(pid: int, mark: str) -> Path | None:
    """The network of that process as the kernel shows it, where its control group holds `mark`: else it is another's.

    None where it cannot be read: elsewhere than on Linux, in another namespace of processes, or as another user.
    """
    place = Path("/proc") / str(pid)
    with contextlib.suppress(OSError):
        if mark in (place / "cgroup").read_text(encoding="ascii", errors="replace"):
            return place / "net"
    return None


def listens(port: int, network: Path | None = None) -> bool | None:
    """Whether somebody listens on that TCP port in that network (`network_of`), by default this process's own.

    None where the kernel does not say.
    """
    known = listening_ports(None if network is None else network.parent / "ns" / "net")
    if known is not None:
        return port in known
    sockets = tcp_sockets(network or OWN_NETWORK)
    return None if sockets is None else any(socket.listens and socket.port == port for socket in sockets)


async def serves_http(address: tuple[str, int], tls: ssl.SSLContext | None, server_name: str) -> bool:
    """Whether an HTTP server answers there, behind TLS where `tls` is given.

    It is asked what no server passes on to anybody else: a request without a host, which is refused (RFC 9112 §3.2).
    """
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_CONNECT_S):
            name = server_name if tls is not None else None
            reader, writer = await asyncio.open_connection(*address, ssl=tls, server_hostname=name)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            return bool(await reader.read(1))
    except OSError:  # a TimeoutError is one too
        return False
    finally:
        if writer is not None:
            writer.transport.abort()


async def accepts(address: tuple[str, int]) -> bool:
    """Whether a connection to that address is accepted; it is closed at once."""
    try:
        async with asyncio.timeout(_CONNECT_S):
            connected = await tcp_connection(address)
    except OSError:  # a TimeoutError is one too
        return False
    connected.close()
    return True
