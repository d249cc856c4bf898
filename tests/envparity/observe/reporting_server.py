"""A server that echoes, and reports its startup as a framework does: FORM says which, DATABASE and STEPS what of it."""

from __future__ import annotations

import asyncio
import http
import json
import os
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

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


def answer(connection: ServerConnection, request: Request) -> Response | None:
    """The report that is asked for; everybody else is let in."""
    report = REPORTS.get((os.environ["FORM"], request.path))
    if report is None:
        return None if request.path == "/ws" else connection.respond(http.HTTPStatus.NOT_FOUND, "")
    status = http.HTTPStatus.OK if UP or report is timeline else http.HTTPStatus.SERVICE_UNAVAILABLE
    body = json.dumps(report()).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body))})
    return Response(status.value, status.phrase, headers, body)


async def echo(connection: ServerConnection) -> None:
    """Say it again."""
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    """Listen until it is killed."""
    async with serve(echo, "127.0.0.1", int(os.environ["PORT"]), process_request=answer):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
