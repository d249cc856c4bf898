"""A small server for each codec, with one setting that can be wrong: `python3 tiny_servers.py CODEC`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

Handler = Callable[[ServerConnection], Awaitable[None]]
SETTING = os.environ.get("LIMIT", "")


async def engine_io(connection: ServerConnection) -> None:
    """Pings before it greets; echoes every event, of as many characters as it takes."""
    await connection.send('0{"sid":"s","upgrades":[],"pingInterval":9000,"pingTimeout":9000,"maxPayload":1000000}')
    assert await connection.recv() == "40"
    await connection.send("2")
    assert await connection.recv() == "3"
    await connection.send('40{"sid":"t"}')
    async for message in connection:
        if len(message) > int(SETTING):
            await connection.close(1009)
            return
        await connection.send(message)


async def phoenix(connection: ServerConnection) -> None:
    """Answers joins and heartbeats, and leaves whoever has been silent for too long."""
    while True:
        try:
            async with asyncio.timeout(float(SETTING)):
                join_ref, ref, topic, event, _ = json.loads(await connection.recv())
        except TimeoutError:
            await connection.close(1002)
            return
        if event == "late":
            await connection.send(json.dumps([join_ref, None, topic, "later", {}]))
        else:
            await connection.send(json.dumps([join_ref, ref, topic, "phx_reply", {"status": "ok", "response": {}}]))


async def signalr(connection: ServerConnection) -> None:
    """Speaks one protocol; answers an invocation in two records of one message, the second of them in two messages."""
    asked = json.loads(str(await connection.recv()).removesuffix("\x1e"))
    if asked["protocol"] != SETTING:
        await connection.send(json.dumps({"error": f"the protocol {asked['protocol']} is not supported"}) + "\x1e")
        return
    await connection.send('{}\x1e{"type":6}\x1e')
    async for message in connection:
        said = json.loads(str(message).removesuffix("\x1e"))
        if said["type"] == 1:
            heard = {"type": 1, "target": "Heard", "arguments": said["arguments"]}
            await connection.send(json.dumps(heard) + '\x1e{"type":3,')
            await connection.send(f'"invocationId":"{said["invocationId"]}"}}\x1e')


async def action_cable(connection: ServerConnection) -> None:
    """Pings, confirms subscriptions, broadcasts what is said."""
    await connection.send('{"type":"welcome"}')
    await connection.send('{"type":"ping","message":1}')
    async for message in connection:
        said = json.loads(message)
        if said["command"] == "subscribe":
            await connection.send(json.dumps({"identifier": said["identifier"], "type": "confirm_subscription"}))
        else:
            text = json.loads(said["data"])["text"]
            await connection.send(json.dumps({"identifier": said["identifier"], "message": {"text": text}}))


async def stomp(connection: ServerConnection) -> None:
    """Says in CONNECTED which heart-beats it wants; leaves whoever is silent; delivers what is sent."""
    await connection.recv()
    await connection.send(f"CONNECTED\nversion:1.2\nheart-beat:0,{SETTING}\n\n\0\n")
    while True:
        try:
            async with asyncio.timeout(1.5):
                message = str(await connection.recv())
        except TimeoutError:
            await connection.send("ERROR\nmessage:no heart-beat\n\n\0")
            return
        if message.startswith("SEND\n"):
            body = message.partition("\n\n")[2]
            await connection.send("MESSAGE\ndestination:/tea\n\n" + body[:3])
            await connection.send(body[3:])


async def mqtt(connection: ServerConnection) -> None:
    """Takes one subscription, of the quality that it grants, and delivers one message, until that is acknowledged."""
    await connection.recv()
    await connection.send(b"\x20\2\0\0")
    await connection.recv()
    await connection.send(b"\x90\3\0\1" + bytes([int(SETTING)]) + b"\x32\6\0\1a\0\7x")
    if await connection.recv() == b"\x40\2\0\7":
        await connection.send(b"\x30\4\0\1a!")
    await connection.wait_closed()


SERVERS: dict[str, Handler] = {
    "engine-io": engine_io,
    "phoenix": phoenix,
    "signalr": signalr,
    "action-cable": action_cable,
    "stomp": stomp,
    "mqtt": mqtt,
}
SUBPROTOCOLS = {"action-cable": SETTING, "stomp": "v12.stomp", "mqtt": "mqtt"}


async def main(codec: str) -> None:
    """Serve until the process is ended."""
    offered = [Subprotocol(SUBPROTOCOLS[codec])] if codec in SUBPROTOCOLS else None
    async with serve(SERVERS[codec], "127.0.0.1", int(os.environ["PORT"]), subprotocols=offered) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
