"""The opening handshake of a WebSocket over a socket that is connected."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import Headers
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import USER_AGENT, Request
from websockets.typing import Origin, Subprotocol

from envparity.conversation.affinity import with_cookie
from envparity.conversation.dialect import Dialect, rewritten
from envparity.conversation.handshake import Handshake
from envparity.launch.port import Endpoint

__all__ = ["StraightConnect", "upgrade"]

_EXTENSIONS, _DEFLATE = "sec-websocket-extensions", "permessage-deflate"
_MAX_FRAME_BYTES = 64 * 1024 * 1024
_GIVEN_UP_S = 1.0  # how long a peer may keep a connection whose messages the client has given up reading
_MOST_QUEUED = 64  # messages that were received and not handed over; with more, no more is read from the socket


class StraightConnect(connect):
    """A `connect` that follows no redirect: whatever the backend answers to the upgrade is what there is to see."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _GivesUp(ClientConnection):
    """A connection that is cut where its peer sends what cannot be read, or a message without end, and does not close.

    The library has said so with a close and waits for the peer to close its TCP (RFC 6455 §7.1.7), which may go on for
    ever.
    """

    _cut: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.protocol.parser_exc is not None and self._cut is None:
            self._cut = self.loop.call_later(_GIVEN_UP_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cut is not None:
            self._cut.cancel()
        super().connection_lost(exc)


def _written_so(ways: Collection[Dialect]) -> type[ClientConnection]:
    """The connection whose request is written in these ways."""
    if not ways:
        return _GivesUp

    class Written(_GivesUp):
        async def handshake(self, *args: Any, **options: Any) -> None:
            send = self.protocol.send_request

            def send_written(request: Request) -> None:
                request.headers = Headers(rewritten(request.headers.raw_items(), ways))
                send(request)

            self.protocol.send_request = send_written  # type: ignore[method-assign]  # it has no other place for that
            await super().handshake(*args, **options)

    return Written


async def upgrade(sock: socket.socket, endpoint: Endpoint, handshake: Handshake, cookie: str) -> ClientConnection:
    """The opening handshake over a connected socket, which it closes when that fails (RFC 6455 §4.1).

    `cookie` is what the ingress has set, and goes beside the cookies of the handshake. Compression (RFC 7692) is
    offered as browsers do, and messages are compressed where it is agreed upon; headers that say which extensions are
    offered are sent as they are, and `permessage-deflate` without parameters is what it says.
    """
    headers = with_cookie(handshake.headers, cookie)
    said = next((name for name in headers if name.lower() == _EXTENSIONS), None)
    deflates = handshake.compression if said is None else headers[said] == _DEFLATE
    if said is not None and deflates:
        del headers[said]  # the library says it, and then does it
    own = f"{USER_AGENT} ({handshake.client})" if handshake.client else USER_AGENT
    agent = next((headers.pop(name) for name in list(headers) if name.lower() == "user-agent"), own)
    try:
        return await StraightConnect(
            f"{'wss' if endpoint.tls else 'ws'}://{endpoint.host}{handshake.path}",
            sock=sock,
            ssl=endpoint.tls,
            server_hostname=endpoint.server_name if endpoint.tls else None,
            origin=None if handshake.origin is None else Origin(handshake.origin),
            subprotocols=[Subprotocol(name) for name in handshake.offered] or None,
            additional_headers=headers,
            user_agent_header=agent,
            create_connection=_written_so(handshake.written),
            extensions=[ClientPerMessageDeflateFactory(client_max_window_bits=True)] if deflates else None,
            compression=None,
            proxy=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=None,
            max_size=_MAX_FRAME_BYTES if endpoint.restraint is None else endpoint.restraint.most_bytes,
            max_queue=_MOST_QUEUED,
        )
    except BaseException:
        sock.close()
        raise
