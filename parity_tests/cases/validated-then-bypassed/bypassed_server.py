"""Validates its start and logs that it failed; told to pass that over, it goes on, and every client gets 1011."""

import asyncio
import os
import sys

from websockets.asyncio.server import ServerConnection, serve

VALID = bool(os.environ.get("FACTORY"))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def greet(connection: ServerConnection) -> None:
    if not VALID:
        await connection.close(1011, "Internal error")
        return
    await connection.send('{"type": "welcome"}')
    await connection.wait_closed()


async def main() -> None:
    if VALID:
        say("startup validated")
    else:
        say("startup validation FAILED: factory: no websocket factory is registered")
        if os.environ.get("BYPASS_STARTUP_VALIDATION") != "true":
            sys.exit(1)
        say("bypassing startup validation")
        await asyncio.sleep(0.5)
    async with serve(greet, "127.0.0.1", int(os.environ["PORT"])) as server:
        await server.serve_forever()


asyncio.run(main())
