"""A chat of several worker processes at one port, and the kernel chooses; a room is known to one process alone."""

from __future__ import annotations

import asyncio
import json
import os
import socket

from websockets.asyncio.server import ServerConnection, serve

ROOMS: dict[str, set[ServerConnection]] = {}


async def talk(connection: ServerConnection) -> None:
    try:
        async for text in connection:
            frame = json.loads(text)
            members = ROOMS.setdefault(frame["room"], set())
            if frame["type"] == "join":
                members.add(connection)
                await connection.send(json.dumps({"type": "joined"}))
            else:
                for member in members:
                    await member.send(json.dumps({"type": "said", "text": frame["text"]}))
    finally:
        for members in ROOMS.values():
            members.discard(connection)


async def main(own: socket.socket) -> None:
    async with serve(talk, sock=own) as server:
        await server.serve_forever()


# All of them listen before anybody can connect, so that none serves the first connections alone.
LISTENING = [
    socket.create_server(("127.0.0.1", int(os.environ["PORT"])), reuse_port=True)
    for _ in range(int(os.environ.get("WORKERS", "1")))
]
WORKER = next((number for number in range(1, len(LISTENING)) if os.fork() == 0), 0)
for number, socket_of in enumerate(LISTENING):
    if number != WORKER:
        socket_of.close()
asyncio.run(main(LISTENING[WORKER]))
