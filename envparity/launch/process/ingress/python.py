"""A reverse proxy that behaves as the ingress image does, for machines without nginx.

It lives on the event loop that opens it: six conversations at once, of a handshake and fifteen exchanges each, cost
7 ms of processor more than through nginx (the least of twenty rounds), and whatever keeps the loop busy keeps the
clients waiting that would notice. A process of its own would cost more than that to start.

What the image's nginx does was measured, and is done here field by field;
`tests/envparity/launch/process/ingress/` holds both to the same promises, and
lists what differs.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from envparity.launch.process.accepting import Accepting, open_stream
from envparity.launch.process.ingress.client import ClientConnection, Shared
from envparity.launch.process.ingress.headers import page
from envparity.launch.process.ingress.plan import Address, IngressPlan, RunningIngress
from envparity.launch.process.ingress.routing import Routing
from envparity.launch.process.ingress.tunnel import LastHeard
from envparity.launch.process.tls_front import server_context

__all__ = ["python_ingress"]

_TLS_HANDSHAKE_RECORD = b"\x16"  # RFC 8446 §5.1; what begins otherwise is not TLS


@asynccontextmanager
async def python_ingress(
    plan: IngressPlan, upstreams: Sequence[Address], folder: Path
) -> AsyncIterator[RunningIngress]:
    """The plan's ingress, within this process; gone when left. A private key is in `folder` for a moment."""
    shared = Shared(plan, Routing(plan.ingress, upstreams), asyncio.Event())
    tls: ssl.SSLContext | None = None
    if plan.ingress.tls and plan.certificate is not None:
        tls = server_context(plan.certificate, folder)
        tls.set_alpn_protocols(["http/1.1", "http/1.0"])

    async def serve(connected: socket.socket) -> None:
        silence = LastHeard(plan.ingress.idle_timeout_s)
        host = str(connected.getpeername()[0])
        if tls is not None and await _begins(connected, plan.header_timeout_s) != _TLS_HANDSHAKE_RECORD:
            await _told_to_speak_tls(connected)
            return
        stream = await open_stream(connected, tls, plan.header_timeout_s, silence.broken)
        try:
            await ClientConnection(shared, stream, host, silence).serve()
        finally:
            stream.abort()

    async with Accepting(plan.listen_host, serve, name="ingress") as accepting:

        async def stop() -> None:
            shared.stopping.set()
            await accepting.stop_accepting()
            await accepting.all_served(plan.shutdown_timeout_s)
            await accepting.drop()

        yield RunningIngress(accepting.address, "python", stop)


async def _begins(connected: socket.socket, timeout_s: float) -> bytes:
    """The first byte that comes, which stays to be read; empty when the client closes before."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connected, readable.set)
    try:
        async with asyncio.timeout(timeout_s):
            await readable.wait()
    finally:
        loop.remove_reader(connected)
    return connected.recv(1, socket.MSG_PEEK)


async def _told_to_speak_tls(connected: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    if await loop.sock_recv(connected, 65536):
        said = "The plain HTTP request was sent to HTTPS port"
        await loop.sock_sendall(connected, page(400, b"close", said=said))
    connected.close()
