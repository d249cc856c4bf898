"""A cloakroom: who logs in with a password gets a ticket in a cookie, and with the ticket is let in."""

from __future__ import annotations

import json
import os
import secrets

from aiohttp import web

SETTINGS = os.environ
TICKETS: dict[str, str] = {}


async def log_in(request: web.Request) -> web.Response:
    """Give a ticket to the one user with the one password."""
    form = await request.post()
    if (form.get("username"), form.get("password")) != (SETTINGS["DOOR_USER"], SETTINGS["DOOR_PASSWORD"]):
        print("login: refused", flush=True)
        return web.Response(status=401, text="another password")
    ticket = secrets.token_urlsafe(24)
    TICKETS[ticket] = SETTINGS["DOOR_USER"]
    print(f"login: gave {ticket}", flush=True)
    answer = web.Response(status=303, headers={"Location": "/"})
    answer.set_cookie("ticket", ticket, domain=SETTINGS["COOKIE_DOMAIN"] or None, httponly=True)
    return answer


async def let_in(request: web.Request) -> web.StreamResponse:
    """Greet whoever shows a ticket that was given."""
    ticket = request.cookies.get("ticket", "")
    if ticket not in TICKETS:
        print("ws: no ticket of ours", flush=True)
        return web.Response(status=401, text="no ticket")
    client = web.WebSocketResponse()
    await client.prepare(request)
    await client.send_str(json.dumps({"type": "welcome", "user": TICKETS[ticket]}))
    async for _ in client:
        pass
    return client


async def health(_: web.Request) -> web.Response:
    """Say that it is there."""
    return web.Response(text="ok")


application = web.Application()
application.add_routes([web.post("/login", log_in), web.get("/ws", let_in), web.get("/health", health)])
web.run_app(application, port=int(SETTINGS["PORT"]), print=lambda _: print("up: the cloakroom is open", flush=True))
