"""A guestbook in Redis, which is reached by one URL."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import ServerConnection, serve


async def ask(*commands: tuple[str, ...]) -> list[str]:
    """What Redis answers to these commands, a line each, on a connection of their own."""
    url = urlsplit(os.environ["REDIS_URL"])
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    answers = []
    for command in (("AUTH", unquote(url.password or "")), ("SELECT", url.path[1:]), *commands):
        writer.write(f"*{len(command)}\r\n".encode())
        writer.write(b"".join(b"$%d\r\n%b\r\n" % (len(word.encode()), word.encode()) for word in command))
        answer = (await reader.readline()).decode().strip()
        if answer[:1] not in {"+", ":", "$"}:
            raise ValueError(answer or "nobody answers")
        answers.append(answer)
    writer.close()
    return answers[2:]


async def greet(client: ServerConnection) -> None:
    """Write down who signs."""
    async for text in client:
        name = json.loads(text)["name"]
        await ask(("RPUSH", "guests", name))
        await client.send(
            json.dumps({"type": "signed", "name": (name.upper() if "--loud" in sys.argv else name) + suffix()})
        )


def suffix() -> str:
    """What is written behind each name: the ink, where a file says one."""
    if "INK_FILE" not in os.environ:
        return ""
    return " in " + str(json.loads(Path(os.environ["INK_FILE"]).read_text())["Ink"])


async def migrate(version: str) -> None:
    """Bring what is in Redis to that version; there are two."""
    if version not in {"1", "2"}:
        sys.exit(f"guestbook: no such version: {version}")
    if "--careless" in sys.argv and await ask(("EXISTS", "schema")) == [":1"]:
        sys.exit("guestbook: there is a schema already")
    await ask(("SET", "schema", version))
    sys.stderr.write(f"guestbook: brought to the {'first' if version == '1' else 'last'} version\n")


async def look() -> None:
    """Whether Redis is there, and as it must be. Raises `ValueError`."""
    (answer,) = await ask(("INCRBY", "schema", "0"))
    if "--migrated" in sys.argv and answer != ":2":
        raise ValueError(f"schema is {answer}")


async def main() -> None:
    """Serve until the process is told to end; without what it needs not at all."""
    try:
        await look()
    except (OSError, ValueError) as error:
        sys.exit(f"guestbook: cannot open: {error}")
    async with serve(greet, "0.0.0.0", int(sys.argv[1])):  # noqa: S104
        sys.stderr.write("guestbook: open\n")
        await asyncio.get_running_loop().create_future()


asyncio.run(migrate(sys.argv[2]) if sys.argv[1] == "--migrate" else main())
