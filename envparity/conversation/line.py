"""One connection of a conversation that is being driven, with what still goes on because of it."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Literal

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from envparity.conversation.polling import Connection
from envparity.conversation.talking import ConnectionEnd, closed_quietly, end_of

__all__ = ["OpenTime"]


@dataclass
class OpenTime:
    """A connection that was open, in seconds since the conversation began: since when, and when the script closed it.

    `end` is how it ended, None where nobody has seen it.
    """

    name: str
    connection: Connection
    opened_s: float
    closing_s: float | None = None
    end: ConnectionEnd | None = None
    reader: asyncio.Task[None] | None = None
    closing: asyncio.Task[None] | None = None
    dropped: bool = False

    def close(self, code: int = 1000, closing_s: float | None = None, reason: str = "") -> None:
        """Begin the closing handshake, unless that was begun before; at that time, where the script does."""
        if closing_s is not None:
            self.closing_s = closing_s
        if self.closing is None:
            self.closing = asyncio.create_task(closed_quietly(self.connection, code, reason))

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What still goes on because of it."""
        return [task for task in (self.reader, self.closing) if task is not None]

    def lose(self, act: Literal["drop", "stop_reading", "read_on"]) -> None:
        """Reset its TCP connection, read nothing more from it, or read on."""
        connection = self.connection
        if act == "drop":
            self.dropped = True
            if isinstance(connection, ClientConnection):
                _reset_at_its_end(connection)
            connection.transport.abort()
        elif isinstance(connection, ClientConnection) and not connection.transport.is_closing():
            (connection.transport.pause_reading if act == "stop_reading" else connection.transport.resume_reading)()

    def end_of(self, closed: ConnectionClosed) -> ConnectionEnd:
        """How it ended, as that says; whoever dropped it is who ended it."""
        if self.dropped:
            return ConnectionEnd(1006, "", "client")
        return end_of(closed, asked=self.closing is not None)


def _reset_at_its_end(connection: ClientConnection) -> None:
    """Have its system send a reset in place of an end."""
    sock = connection.transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
