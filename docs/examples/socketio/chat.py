"""A chat over Socket.IO: whoever says something is heard by everybody."""

from __future__ import annotations

import os

import socketio

queue = os.environ.get("MESSAGE_QUEUE", "")
server = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(queue) if queue else None,
    ping_interval=float(os.environ["PING_INTERVAL_S"]),
)
app = socketio.ASGIApp(server)


@server.event
async def say(sid: str, text: str) -> None:
    """Have everybody hear it, on whichever replica they are."""
    await server.emit("said", {"from": sid, "text": text})
