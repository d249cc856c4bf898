"""A turnstile: lets so many in as there are seats, and answers each question to whoever has asked it."""

from __future__ import annotations

import asyncio
import http
import json
import os

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

SEATS = int(os.environ["SEATS"])
TAKES_TURNS = os.environ["TAKES_TURNS"] == "yes"
WORK_S = 0.02
CLOSES_FULL = 1013

inside: set[ServerConnection] = set()
last: dict[str, object] = {}
turn = asyncio.Lock()


def healthy(connection: ServerConnection, request: Request) -> Response | None:
    """Answer the health path."""
    return connection.respond(http.HTTPStatus.OK, "ok\n") if request.path == "/healthz" else None


async def work(frame: dict[str, object], taken: asyncio.Queue[dict[str, object]]) -> None:
    """What each message costs: in the one line of all, or in a line of each connection."""
    if TAKES_TURNS:
        await asyncio.sleep(WORK_S)
    else:
        async with turn:
            await asyncio.sleep(WORK_S)
    taken.put_nowait(frame)


async def answer(client: ServerConnection, frame: dict[str, object]) -> None:
    """Answer a question; by what was asked last where answers are shared, which is wrong."""
    if frame["type"] != "ask":
        return
    if os.environ["SHARES_ANSWERS"] == "yes":
        last.update(frame)
        await asyncio.sleep(0.05)
        frame = last
    await client.send(json.dumps({"type": "answer", "id": frame["id"], "seat": frame["seat"]}))


async def enter(client: ServerConnection) -> None:
    """Let in who comes, where there is a seat."""
    if len(inside) >= SEATS:
        await client.close(CLOSES_FULL, "full")
        return
    inside.add(client)
    tasks: set[asyncio.Task[None]] = set()
    try:
        await client.send(json.dumps({"type": "welcome"}))
        async for message in client:
            taken: asyncio.Queue[dict[str, object]] = asyncio.Queue()
            task = asyncio.create_task(work(json.loads(message), taken))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            if json.loads(message)["type"] == "ask":
                await answer(client, await taken.get())
    finally:
        for task in tasks:
            task.cancel()
        inside.discard(client)


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(enter, "0.0.0.0", int(os.environ["PORT"]), process_request=healthy):  # noqa: S104
        print("up: the turnstile is open", flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
