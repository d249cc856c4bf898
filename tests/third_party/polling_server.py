"""An echo of python-socketio that takes no WebSocket."""

from __future__ import annotations

import os

import socketio

server = socketio.AsyncServer(
    async_mode="asgi",
    transports=["polling"],
    ping_interval=float(os.environ.get("PING_INTERVAL_S", "2")),
    ping_timeout=float(os.environ.get("PING_TIMEOUT_S", "2")),
)
app = socketio.ASGIApp(server)


async def say(sid: str, text: str) -> None:
    """Have the one who said it hear it."""
    await server.emit("said", {"from": sid, "text": text}, to=sid)


async def draw(sid: str, picture: bytes) -> None:
    """Have the one who drew see it, upside down."""
    await server.emit("drawn", picture[::-1], to=sid)


async def leave(sid: str) -> None:
    """Show somebody out, with the session."""
    await server.eio.disconnect(server.manager.eio_sid_from_sid(sid, "/"))


for handler in (say, draw, leave):
    server.on(handler.__name__, handler)
