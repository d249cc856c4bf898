"""A desk that takes questions, and a clerk, a program of its own, who answers them; they meet in Redis."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, serve

FOR_EVER = "0"


class Redis:
    """A connection on which one command after the other is done."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls) -> Redis:
        """To where the settings say that it is."""
        url = urlsplit(os.environ["REDIS_URL"])
        redis = cls(*await asyncio.open_connection(url.hostname, url.port))
        await redis.do("AUTH", url.password or "")
        return redis

    async def do(self, *command: str) -> list[str]:
        """What it answers, line by line; nothing of the sizes that stand between."""
        self.writer.write(f"*{len(command)}\r\n".encode())
        self.writer.write(b"".join(b"$%d\r\n%b\r\n" % (len(word.encode()), word.encode()) for word in command))
        first = (await self.reader.readline()).decode().strip()
        if not first.startswith("*") or first == "*-1":
            return [first]
        lines = [(await self.reader.readline()).decode().strip() for _ in range(2 * int(first[1:]))]
        return lines[1::2]


async def take(client: ServerConnection) -> None:
    """Hand each question on, and bring the answer back."""
    redis = await Redis.open()
    async for text in client:
        frame = json.loads(text)
        await redis.do("RPUSH", "questions", json.dumps(frame))
        found = await redis.do("BLPOP", f"answers:{frame['id']}", FOR_EVER)
        await client.send(json.dumps({"type": "answer", "text": found[1]}))


async def answer(queue: str) -> None:
    """Answer whatever comes in that queue, for good."""
    redis = await Redis.open()
    sys.stderr.write(f"clerk: looks at {queue}\n")
    while True:
        found = await redis.do("BLPOP", queue, FOR_EVER)
        if len(found) > 1:
            frame = json.loads(found[1])
            await redis.do("RPUSH", f"answers:{frame['id']}", frame["text"].upper())


async def main(port: str) -> None:
    async with serve(take, os.environ.get("HOST", "127.0.0.1"), int(port)) as server:
        await server.serve_forever()


if sys.argv[1] == "--clerk":
    if "--tired" in sys.argv:
        sys.exit("clerk: goes home")
    asyncio.run(answer(sys.argv[2]))
else:
    asyncio.run(main(sys.argv[1]))
