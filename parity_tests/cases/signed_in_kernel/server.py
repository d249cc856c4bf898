"""A server of notebooks: who has signed in starts a kernel, and talks to it by text and by binary messages."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = logging.getLogger("notebooks")
sessions: set[str] = set()
kernels: set[str] = set()


def session_cookie(session: str) -> str:
    """The header that keeps a session, with the attributes that the settings ask for."""
    parts = [f"session={session}", "HttpOnly", f"Path={os.environ['COOKIE_PATH']}"]
    parts += [f"SameSite={os.environ['COOKIE_SAME_SITE']}"]
    parts += ["Secure"] if os.environ["COOKIE_SECURE"] == "true" else []
    return "; ".join(parts)


def signed_in(scope: Message) -> bool:
    """Whether the request comes with a session that was given out."""
    cookies = SimpleCookie(dict(scope["headers"]).get(b"cookie", b"").decode())
    return "session" in cookies and cookies["session"].value in sessions


async def answer(send: Send, status: HTTPStatus, body: object = None, *headers: tuple[str, str]) -> None:
    """Answer a request with that status and a body in JSON."""
    lines = [("content-type", "application/json"), *headers]
    encoded = [(name.encode(), value.encode()) for name, value in lines]
    await send({"type": "http.response.start", "status": int(status), "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if body is None else json.dumps(body).encode()})


async def over_http(scope: Message, receive: Receive, send: Send) -> None:
    """Answer the health path, a login and the start of a kernel."""
    match scope["method"], scope["path"]:
        case "GET", "/healthz":
            await answer(send, HTTPStatus.OK, "ok")
        case "POST", "/login":
            form = parse_qs((await receive())["body"].decode())
            if form.get("password") != [os.environ["PASSWORD"]]:
                await answer(send, HTTPStatus.FORBIDDEN, {"message": "wrong password"})
                return
            session = secrets.token_urlsafe(24)
            sessions.add(session)
            log.debug("the session is %s", session)
            await answer(
                send, HTTPStatus.SEE_OTHER, None, ("location", "/tree"), ("set-cookie", session_cookie(session))
            )
        case "POST", "/api/kernels":
            if not signed_in(scope):
                log.warning("no session in the request for %s", scope["path"])
                await answer(send, HTTPStatus.FORBIDDEN, {"message": "sign in first"})
                return
            name = json.loads((await receive())["body"])["name"]
            kernel = secrets.token_hex(8)
            kernels.add(kernel)
            await answer(send, HTTPStatus.CREATED, {"id": kernel, "name": name}, ("location", f"/api/kernels/{kernel}"))
        case _:
            await answer(send, HTTPStatus.NOT_FOUND)


async def over_websocket(scope: Message, receive: Receive, send: Send) -> None:
    """The channels of a kernel: a text is run, and answered on two channels at once; bytes come back reversed."""
    await receive()
    kernel = scope["path"].removeprefix("/api/kernels/").removesuffix("/channels")
    if kernel not in kernels or not signed_in(scope):
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": f"kernel {kernel} is idle"})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("bytes") is not None:
            await send({"type": "websocket.send", "bytes": b"\x00" + message["bytes"][::-1]})
            continue
        number, code = json.loads(message["text"])
        channels = [{"channel": "iopub", "of": number, "text": code}, {"channel": "shell", "of": number, "ok": True}]
        secrets.SystemRandom().shuffle(channels)
        for channel in channels:
            await send({"type": "websocket.send", "text": json.dumps(channel)})
        await send({"type": "websocket.send", "text": json.dumps(["done", number, secrets.randbelow(10**6)])})


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Serve what clients ask for."""
    if scope["type"] == "http":
        await over_http(scope, receive, send)
    elif scope["type"] == "websocket":
        await over_websocket(scope, receive, send)


logging.basicConfig(level=logging.INFO, format="%(message)s")
log.setLevel(os.environ["LOG_LEVEL"])
server = uvicorn.Server(uvicorn.Config(app, "0.0.0.0", int(os.environ["PORT"]), lifespan="off", log_config=None))  # noqa: S104
log.info("up: notebooks are served")
asyncio.run(server.serve())
