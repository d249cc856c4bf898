"""What is said to a RabbitMQ by AMQP 0-9-1 (https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf)."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from envparity.dependencies.connected import Streams, connected
from envparity.dependency.kind import Server
from envparity.errors import LaunchError

__all__ = ["PROTOCOL", "AmqpSession"]

PROTOCOL = b"AMQP\x00\x00\x09\x01"
"""The header of AMQP 0-9-1 (§4.2.2), which is answered with Connection.Start."""

_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"

_Name = tuple[int, int]
_START, _START_OK, _TUNE, _TUNE_OK, _OPEN, _OPEN_OK = (10, 10), (10, 11), (10, 30), (10, 31), (10, 40), (10, 41)
_CLOSE, _CLOSE_OK = (10, 50), (10, 51)
_CHANNEL_OPEN, _CHANNEL_OPEN_OK, _CHANNEL_CLOSE = (20, 10), (20, 11), (20, 40)
_DECLARE, _DECLARE_OK, _PURGE, _PURGE_OK, _DELETE, _DELETE_OK = (
    (50, 10), (50, 11), (50, 30), (50, 31), (50, 40), (50, 41),
)  # fmt: skip
_PUBLISH, _RETURN, _ACK = (60, 40), (60, 50), (60, 80)
_CONFIRM, _CONFIRM_OK = (85, 10), (85, 11)
_BASIC = 60
_DURABLE, _MANDATORY = 0b10, 0b1


class AmqpSession:
    """One connection with one channel, on which the server confirms what is published."""

    def __init__(self, streams: Streams) -> None:
        self._streams, self._largest = streams, 4096

    @classmethod
    @asynccontextmanager
    async def open(cls, server: Server, user: str) -> AsyncIterator[AmqpSession]:
        """Come in as that user, into the virtual host `/`. What the server refuses is a `LaunchError`."""
        async with connected("RabbitMQ", server, server.tls) as streams:
            session = cls(streams)
            streams.writer.write(PROTOCOL)
            await session._until(_START)
            proof = f"\0{user}\0{server.password}".encode()
            plain = _short("PLAIN") + struct.pack(">I", len(proof)) + proof
            limits = await session._ask(0, _START_OK, struct.pack(">I", 0) + plain + _short("en_US"), _TUNE)
            channels, session._largest, _ = struct.unpack(">HIH", limits[:8])
            session._send(0, _TUNE_OK, struct.pack(">HIH", channels, session._largest, 0))
            await session._ask(0, _OPEN, _short("/") + _short("") + b"\0", _OPEN_OK)
            await session._ask(1, _CHANNEL_OPEN, _short(""), _CHANNEL_OPEN_OK)
            yield session
            await session._ask(0, _CLOSE, struct.pack(">H", 200) + _short("") + struct.pack(">HH", 0, 0), _CLOSE_OK)

    async def publish(self, exchange: str, key: str, content: str) -> None:
        """Have the server take it. Raises `LaunchError` where it is for a queue by its name, and there is none."""
        await self._ask(1, _CONFIRM, b"\0", _CONFIRM_OK)
        mandatory = 0 if exchange else _MANDATORY
        self._send(1, _PUBLISH, struct.pack(">H", 0) + _short(exchange) + _short(key) + bytes([mandatory]))
        body = content.encode()
        self._frame(_HEADER, 1, struct.pack(">HHQH", _BASIC, 0, len(body), 0))
        size = self._largest - 8
        for at in range(0, len(body), size):
            self._frame(_BODY, 1, body[at : at + size])
        await self._until(_ACK)

    async def declare(self, queue: str) -> None:
        """Make that queue, a durable one, where it is not there."""
        asked = struct.pack(">H", 0) + _short(queue) + bytes([_DURABLE]) + struct.pack(">I", 0)
        await self._ask(1, _DECLARE, asked, _DECLARE_OK)

    async def purge(self, queue: str) -> int:
        """Empty that queue; gives how many messages were in it."""
        answer = await self._ask(1, _PURGE, struct.pack(">H", 0) + _short(queue) + b"\0", _PURGE_OK)
        return int(struct.unpack(">I", answer[:4])[0])

    async def delete(self, queue: str) -> int:
        """Remove that queue; gives how many messages were in it."""
        answer = await self._ask(1, _DELETE, struct.pack(">H", 0) + _short(queue) + b"\0", _DELETE_OK)
        return int(struct.unpack(">I", answer[:4])[0])

    async def _ask(self, channel: int, name: _Name, arguments: bytes, answer: _Name) -> bytes:
        self._send(channel, name, arguments)
        return await self._until(answer)

    async def _until(self, wanted: _Name) -> bytes:
        """The arguments of the next method of that name; what refuses instead is raised."""
        while True:
            kind, _, size = struct.unpack(">BHI", await self._streams.reader.readexactly(7))
            content = (await self._streams.reader.readexactly(size + 1))[:-1]
            if kind != _METHOD:
                continue
            name, arguments = struct.unpack(">HH", content[:4]), content[4:]
            if name == wanted:
                return arguments
            if name in {_CLOSE, _CHANNEL_CLOSE, _RETURN}:
                code, length = struct.unpack(">HB", arguments[:3])
                raise LaunchError(f"RabbitMQ: {code} {arguments[3 : 3 + length].decode(errors='replace')}")

    def _send(self, channel: int, name: _Name, arguments: bytes) -> None:
        self._frame(_METHOD, channel, struct.pack(">HH", *name) + arguments)

    def _frame(self, kind: int, channel: int, content: bytes) -> None:
        self._streams.writer.write(struct.pack(">BHI", kind, channel, len(content)) + content + _END)


def _short(text: str) -> bytes:
    content = text.encode()
    if len(content) > 255:
        raise LaunchError(f"a name of AMQP has 255 bytes at most: {text[:20]}…")
    return bytes([len(content)]) + content
