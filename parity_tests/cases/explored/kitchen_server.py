"""A kitchen that takes orders. Where NOTES is off it refuses an order with a note, although the contract allows one."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from websockets.asyncio.server import ServerConnection, serve


def answer(order: Any) -> dict[str, Any]:
    """What the kitchen says to an order."""
    if not isinstance(order, dict) or order.get("type") != "order":
        return {"type": "error", "code": "unknown"}
    count = order.get("count")
    if order.get("dish") not in ("soup", "salad", "pie") or type(count) is not int or not 1 <= count <= 20:
        return {"type": "error", "code": "invalid"}
    if "note" in order and os.environ["NOTES"] == "off":
        return {"type": "error", "code": "no_notes"}
    return {"type": "served", "dish": order["dish"]}


async def take_orders(client: ServerConnection) -> None:
    """Greet, then answer each order."""
    await client.send(json.dumps({"type": "welcome", "kitchen": "north"}))
    async for message in client:
        try:
            order = json.loads(message)
        except ValueError:
            order = None
        await client.send(json.dumps(answer(order)))


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(take_orders, "127.0.0.1", int(os.environ["PORT"])):
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
