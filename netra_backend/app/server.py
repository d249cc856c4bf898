"""uvicorn, taught to drain: on SIGTERM the conversations end with 1001 and a reason, before the listener closes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import structlog
import uvicorn
import websockets.http11
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from fastapi import FastAPI

    from netra_backend.app.backend import Backend
    from netra_backend.app.settings import Listening

CLOSING_HANDSHAKES_S = 1.0
"""How long clients have to answer our close frames, within the grace period."""

LAST_RESORT_S = 1
"""How long uvicorn itself waits for what is left then (it takes whole seconds)."""

MIN_TRANSPORT_LIMIT_BYTES = 1_048_576
"""uvicorn closes on its own beyond its limit, without an error frame; ours comes first, far below."""

MAX_HEAD_BYTES = 65_536
"""How long the head of a request may be: tokens of identity providers have some KiB. h11 refuses more with a 400."""

log = structlog.stdlib.get_logger(__name__)


def server_for(app: FastAPI, listening: Listening) -> DrainingServer:
    """The server of this application. X-Forwarded-* is the application's to judge, and so are heartbeats."""
    # Else a header of more than 8 KiB, which h11 lets pass, ends the upgrade without an answer.
    websockets.http11.MAX_LINE_LENGTH = MAX_HEAD_BYTES
    backend: Backend = app.state.backend
    settings = backend.reading.settings
    max_message_bytes = settings.websocket_max_message_bytes if settings else 0
    config = uvicorn.Config(
        app,
        host=listening.host,
        port=listening.port,
        loop="asyncio",
        http="h11",
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        ws=AnsweringProtocol,
        ws_max_size=max(16 * max_message_bytes, MIN_TRANSPORT_LIMIT_BYTES),
        ws_ping_interval=None,
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=LAST_RESORT_S,
    )
    return DrainingServer(config, backend, settings.shutdown_grace_s if settings else CLOSING_HANDSHAKES_S)


class AnsweringProtocol(WebSocketsSansIOProtocol):
    """Answers also an upgrade whose head h11 has taken and websockets has not: one longer than both say, or of too many
    headers. Left alone, uvicorn keeps the answer that websockets has made, and the client waits for ever.
    """

    def data_received(self, data: bytes) -> None:
        """Take what has come; a head that is refused is answered, and that is the end."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()


class DrainingServer(uvicorn.Server):
    """Drains the backend within the grace period, then stops as uvicorn does, with exit status 0."""

    def __init__(self, config: uvicorn.Config, backend: Backend, grace_s: float) -> None:
        super().__init__(config)
        self._backend = backend
        self._grace_s = grace_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where: PORT may be 0."""
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                host, port, *_ = listener.getsockname()
                log.info("listening", host=host, port=port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain while still listening, so that whoever comes meanwhile is told, then stop."""
        await self._backend.drain(max(self._grace_s - CLOSING_HANDSHAKES_S - LAST_RESORT_S, self._grace_s / 2))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_HANDSHAKES_S):
                await self._closing_handshakes()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; unlike uvicorn, do not raise them again: a drained stop is a good one."""
        loop = asyncio.get_running_loop()
        handled = (signal.SIGINT, signal.SIGTERM)
        for number in handled:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)

    async def _closing_handshakes(self) -> None:
        """Wait until the clients have answered our close frames, so that none is cut off before it has read its own."""
        # uvicorn has no event for it, and polls too
        while any(getattr(connection, "close_sent", False) for connection in self.server_state.connections):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
