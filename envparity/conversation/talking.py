"""What is said on a connection, and what its end says: the same for whoever plays a conversation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal

from websockets.exceptions import ConnectionClosed

from envparity.conversation import actions
from envparity.conversation.polling import Connection

__all__ = ["Ending", "ending", "flood", "has_sent", "send_wire"]

Wait = Callable[[float], AbstractAsyncContextManager[object]]


@dataclass(frozen=True)
class Ending:
    """How a connection ended: the peer's own code, 1006 where it gave none, and who closed it."""

    code: int
    reason: str
    by: Literal["client", "server"]


def ending(end: ConnectionClosed) -> Ending:
    """What that end of a connection says."""
    code, reason = (int(end.rcvd.code), end.rcvd.reason) if end.rcvd else (1006, "")
    # Both may close at once: then the peer's own code shows that it did not echo ours.
    ours = end.sent is not None and not end.rcvd_then_sent and (end.rcvd is None or code == end.sent.code)
    return Ending(code, reason, "client" if ours else "server")


async def has_sent(connection: Connection, action: actions.Send, times: int, wait: Wait) -> bool:
    """Send it so often, and say whether it was taken in time; of a connection that has ended its reader tells."""
    try:
        async with wait(action.timeout_s):
            for _ in range(times):
                for message in (action.message, *action.following):
                    await connection.send(message)
    except TimeoutError:
        return False
    except ConnectionClosed:
        pass
    return True


async def flood(connection: Connection, action: actions.Send) -> None:
    """Send it so often as it is taken, until all is sent or the connection is closed."""
    with contextlib.suppress(ConnectionClosed):
        for _ in range(action.count):
            for message in (action.message, *action.following):
                await connection.send(message)
                await asyncio.sleep(0)  # whoever sends beside it has its turn


async def send_wire(connection: Connection, action: actions.SendWire) -> None:
    """Write what is no frame of the library's making; that the other side has closed, its reader tells."""
    transport = connection.transport
    for index, piece in enumerate(action.pieces):
        if index and action.every_s:
            await asyncio.sleep(action.every_s)
        if not transport.is_closing():
            transport.write(piece)
    await asyncio.sleep(0)
