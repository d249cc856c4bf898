"""A small backend with a page: rooms that are made over HTTP and talked in over a WebSocket. Real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, JSONResponse

from tests.servers import free_port

PASSWORD = "open-sesame-4711"

PAGE = """<!doctype html><title>rooms</title><script>
const said = text => { document.title = text }
const enter = async () => {
  const answer = await fetch("/api/rooms", {
    method: "POST", headers: {"Content-Type": "application/json", "X-Pass": "%s"},
    body: JSON.stringify({topic: "tea"}),
  })
  const room = await answer.json()
  const socket = new WebSocket(`ws://${location.host}/rooms/${room.id}?lang=en`)
  socket.onmessage = event => {
    const frame = JSON.parse(event.data)
    if (frame.type === "welcome") {
      socket.send(JSON.stringify({type: "join", session: frame.session, username: "ada"}))
    } else if (frame.type === "joined") {
      socket.send(JSON.stringify({type: "say", id: crypto.randomUUID(), text: "Milk first", tag: "{oat}", mood: null}))
    } else if (frame.type === "said") { socket.close(1000) }
  }
  socket.onclose = event => said(`closed ${event.code}`)
}
enter()
</script>"""


@dataclass
class Rooms:
    """What can be wrong with it: `fault` changes what it says from then on."""

    fault: str = ""
    rooms: dict[str, str] = field(default_factory=dict)
    heard: list[Any] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


def app_of(rooms: Rooms) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(PAGE % PASSWORD)

    @app.post("/api/rooms")
    async def make(request: Request) -> JSONResponse:
        if request.headers.get("x-pass") != PASSWORD:
            return JSONResponse({"detail": "who are you"}, 401)
        topic = (await request.json())["topic"]
        room = uuid.uuid4().hex
        rooms.rooms[room] = topic
        return JSONResponse({"id": room, "topic": topic, "made": datetime.now(UTC).isoformat()}, 201)

    @app.websocket("/rooms/{room}")
    async def talk(socket: WebSocket, room: str) -> None:
        if room not in rooms.rooms:
            await socket.close(1008)
            return
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            await _talk(socket, room, rooms)

    return app


async def _talk(socket: WebSocket, room: str, rooms: Rooms) -> None:
    session = str(uuid.uuid4())
    greeting = {"type": "welcome", "session": session, "topic": rooms.rooms[room], "at": datetime.now(UTC).isoformat()}
    await socket.send_json({**greeting, "visit": next(rooms.numbers)})
    while True:
        frame = await socket.receive_json()
        rooms.heard.append(frame)
        if frame["type"] == "join":
            if frame["session"] != session:
                await socket.close(1008, "another session")
                return
            await socket.send_json({"type": "joined", "who": frame["username"], "members": [frame["username"]]})
        elif frame["type"] == "say":
            text = frame["text"] if rooms.fault != "deaf" else ""
            said = {"type": "said", "id": frame["id"], "text": text, "session": session, "mood": frame.get("mood")}
            await socket.send_json(said)
            if rooms.fault == "chatty":
                await socket.send_json({"type": "advert"})


class Telling(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@contextlib.contextmanager
def serving(app: Any, **more: Any) -> Iterator[int]:
    """That app on a port of 127.0.0.1, in a thread, until the context ends; `more` is what uvicorn is told beside."""
    port = free_port()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="critical", lifespan="off", ws="websockets-sansio", **more
    )
    server = Telling(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),), daemon=True)
    thread.start()
    assert server.up.wait(30)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(30)
