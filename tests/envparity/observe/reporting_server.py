"""A server that echoes, and reports its startup as a framework does: FORM says which, DATABASE and STEPS what of it."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

WRONG = "password authentication failed"
UP = os.environ.get("DATABASE") == "up"


def spring_boot() -> dict[str, Any]:
    """As Spring Boot's actuator shows health with its details."""
    database = {"status": "UP"} if UP else {"status": "DOWN", "details": {"error": WRONG}}
    disk = {"status": "UP", "details": {"free": os.getpid()}}
    return {"status": "UP" if UP else "DOWN", "components": {"db": database, "diskSpace": disk}}


def dotnet() -> dict[str, Any]:
    """As the response writer of ASP.NET Core's health checks has it."""
    state = "Healthy" if UP else "Unhealthy"
    entry = {"data": {}, "duration": f"00:00:00.{os.getpid()}", "status": state, "tags": []}
    return {"status": state, "entries": {"db": entry | ({} if UP else {"description": WRONG})}}


def health_json() -> dict[str, Any]:
    """As application/health+json has it."""
    state = "pass" if UP else "fail"
    check = {"componentType": "datastore", "status": state} | ({} if UP else {"output": WRONG})
    return {"status": state, "releaseId": "1.2.2", "checks": {"db:connections": [check]}}


def timeline() -> dict[str, Any]:
    """The steps of `/actuator/startup`."""
    steps = os.environ["STEPS"].split(",")
    events = [{"startupStep": {"name": name, "id": number}} for number, name in enumerate(steps)]
    return {"springBootVersion": "3.2.0", "timeline": {"events": events}}


REPORTS = {
    ("spring-boot", "/actuator/health"): spring_boot,
    ("spring-boot", "/actuator/startup"): timeline,
    ("dotnet", "/health"): dotnet,
    ("health+json", "/health"): health_json,
}


Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


async def app(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """The report that is asked for, and whatever is said on a WebSocket, by ASGI."""
    if scope["type"] == "http":
        await _answer(scope["path"], send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (said := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": said["text"]})
    else:
        while (event := (await receive())["type"]) != "lifespan.shutdown":
            await send({"type": f"{event}.complete"})
        await send({"type": "lifespan.shutdown.complete"})


async def _answer(path: str, send: Send) -> None:
    report = REPORTS.get((os.environ["FORM"], path))
    body = b"" if report is None else json.dumps(report()).encode()
    status = 404 if report is None else 200 if UP or report is timeline else 503
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
