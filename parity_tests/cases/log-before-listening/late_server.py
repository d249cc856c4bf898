"""Says that it is ready a while before it listens, as servers do that log first and bind afterwards.

With LIBRARY=missing it serves HTTP alone, and warns of why, once, when it is asked for a WebSocket.
"""

import asyncio
import json
import os
import sys

from websockets.asyncio.server import ServerConnection, serve

LATE_S = float(os.environ.get("LATE_S", "1.0"))


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


async def greet(connection: ServerConnection) -> None:
    async for text in connection:
        await connection.send(json.dumps({"type": "echo", "text": str(text)}))


async def plain_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if b"upgrade: websocket" in head.lower():
        say("\x1b[33mWARNING\x1b[0m: no supported WebSocket library found: install 'websockets'")
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def main() -> None:
    port = int(os.environ["PORT"])
    for number in range(500):
        say(f"loading plugin {number}")
    say("\x1b[32mINFO\x1b[0m: \x1b[1mserver running\x1b[0m")
    for number in range(200):
        say(f"cache line {number}")
    await asyncio.sleep(LATE_S)
    if os.environ.get("LIBRARY") == "missing":
        async with await asyncio.start_server(plain_http, "127.0.0.1", port) as server:
            await server.serve_forever()
    async with serve(greet, "127.0.0.1", port) as server:
        await server.serve_forever()


asyncio.run(main())
