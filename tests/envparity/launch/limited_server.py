"""A server that lets one connection in from each address, and says on it which address that is."""

from __future__ import annotations

import asyncio
import http
import json
import os
import sys
from collections import Counter

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response


async def main(host: str, port: int) -> None:
    """Listen until it is killed; TRUST_FORWARDED is "true" where the last of X-Forwarded-For is who comes."""
    trusts = os.environ.get("TRUST_FORWARDED") == "true"
    here: Counter[str] = Counter()

    def address(connection: ServerConnection, request: Request) -> str:
        said = request.headers.get("X-Forwarded-For", "") if trusts else ""
        return said.rpartition(",")[2].strip() or str(connection.remote_address[0])

    def admit(connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/address":
            return connection.respond(http.HTTPStatus.OK, json.dumps({"address": address(connection, request)}))
        who = address(connection, request)
        if "?me=" in request.path and not request.path.endswith(f"?me={who}"):
            return connection.respond(http.HTTPStatus.BAD_REQUEST, f"you are {who}\n")
        if here[who]:
            return connection.respond(http.HTTPStatus.TOO_MANY_REQUESTS, "one from each address\n")
        here[who] += 1
        return None

    async def stay(connection: ServerConnection) -> None:
        assert connection.request is not None
        try:
            await connection.wait_closed()
        finally:
            here[address(connection, connection.request)] -= 1

    async with serve(stay, host, port, process_request=admit):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(os.environ["PORT"])))
