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

__all__ = ["ConnectionEnd", "Wait", "closed_quietly", "end_of", "flood", "has_sent", "send_wire"]

Wait = Callable[[float], AbstractAsyncContextManager[object]]
"""Bounds what is done inside by so many seconds, with `TimeoutError`."""


@dataclass(frozen=True)
class ConnectionEnd:
    """How a connection ended: the peer's own code, 1006 where it gave none, and who closed it."""

    code: int
    reason: str
    by: Literal["client", "server"]


def end_of(closed: ConnectionClosed, *, asked: bool) -> ConnectionEnd:
    """What that end of a connection says; `asked`: the script, or a goodbye, had asked for it."""
    code, reason = (int(closed.rcvd.code), closed.rcvd.reason) if closed.rcvd else (1006, "")
    # Both may close at once: then the peer's own code shows that it did not echo ours.
    ours = closed.sent is not None and not closed.rcvd_then_sent and (closed.rcvd is None or code == closed.sent.code)
    if closed.rcvd is None and closed.sent is not None and not asked:  # it cannot be read; how far it came is chance
        reason = f"closed with {int(closed.sent.code)}"
    elif ours and closed.sent is not None and reason == closed.sent.reason:  # an echo says nothing of its own
        reason = ""
    return ConnectionEnd(code, reason, "client" if ours else "server")


async def closed_quietly(connection: Connection, code: int, reason: str = "") -> None:
    """Close it, and wait until the peer has answered, or is gone: how it ended, its reader tells."""
    with contextlib.suppress(ConnectionClosed, OSError):
        await connection.close(code, reason)


async def has_sent(connection: Connection, action: actions.SendMessage, wait: Wait) -> bool:
    """Send it as often as it says, and give whether it was taken in time; of its end the reader tells."""
    try:
        async with wait(action.timeout_s):
            for _ in range(action.count):
                for message in (action.message, *action.following):
                    await connection.send(message)
    except TimeoutError:
        return False
    except ConnectionClosed:
        pass
    return True


async def flood(connection: Connection, action: actions.SendMessage) -> None:
    """Send it so often as it is taken, until all is sent or the connection is closed."""
    with contextlib.suppress(ConnectionClosed):
        for _ in range(action.count):
            for message in (action.message, *action.following):
                await connection.send(message)
                await asyncio.sleep(0)  # whoever sends beside it has its turn


async def send_wire(connection: Connection, action: actions.WriteBytes) -> None:
    """Write what is no frame of the library's making; that the other side has closed, its reader tells."""
    transport = connection.transport
    for index, piece in enumerate(action.pieces):
        if index and action.every_s:
            await asyncio.sleep(action.every_s)
        if not transport.is_closing():
            transport.write(piece)
    await asyncio.sleep(0)
