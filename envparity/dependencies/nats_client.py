"""What is said to a NATS server, and what is answered (https://docs.nats.io/reference/reference-protocols)."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from envparity.dependencies.connected import LOCALHOST, Streams, connected
from envparity.dependency.kind import Server
from envparity.errors import LaunchError

__all__ = ["NatsSession"]

_SUBJECT = re.compile(r"[^\s.]+(\.[^\s.]+)*")
_NOBODY = "\0nobody"  # the status 503 of who has nobody to give a message to


class NatsSession:
    """One connection, in which the server confirms each thing that is said."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._answers: list[str] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, server: Server, user: str) -> AsyncIterator[NatsSession]:
        """Come in as that user. What the server refuses is a `LaunchError`."""
        async with connected("NATS", server) as streams:
            await streams.reader.readline()
            if server.tls is not None:
                await streams.writer.start_tls(server.tls, server_hostname=LOCALHOST)
            who = {"user": user, "pass": server.password} if server.password else {}
            asked = {"verbose": False, "pedantic": True, "headers": True, "no_responders": True, "lang": "envparity"}
            session = cls(streams)
            await session._say(b"CONNECT " + json.dumps(asked | who).encode())
            yield session

    async def publish(self, subject: str, payload: str, reply: str = "") -> None:
        """Have that sent to whoever listens there."""
        for name in filter(None, (subject, reply)):
            if not _SUBJECT.fullmatch(name):
                raise LaunchError(f"{name!r} is no subject")
        content = payload.encode()
        await self._say(f"PUB {subject} {reply} {len(content)}\r\n".encode() + content)

    async def request(self, subject: str, payload: str) -> str:
        """The same, and wait for the first answer to it."""
        inbox = f"_INBOX.{secrets.token_hex(11)}"
        await self._say(f"SUB {inbox} {inbox}".encode())
        await self.publish(subject, payload, inbox)
        while not self._answers:
            await self._heard()
        answer = self._answers.pop()
        if answer == _NOBODY:
            raise LaunchError(f"nobody answers at {subject}")
        return answer

    async def _say(self, line: bytes) -> None:
        """What is wrong with it comes before the answer to the PING behind it."""
        self._streams.writer.write(line + b"\r\nPING\r\n")
        while await self._heard() != b"PONG":
            pass

    async def _heard(self) -> bytes:
        """What the next thing is that the server says; a message is kept. Raises `LaunchError` for an error."""
        line = (await self._streams.reader.readline()).strip()
        verb = line.partition(b" ")[0]
        if not line or verb == b"-ERR":
            raise LaunchError(f"NATS: {line[4:].decode(errors='replace').strip() or 'it hung up'}")
        if verb == b"PING":
            self._streams.writer.write(b"PONG\r\n")
        elif verb in {b"MSG", b"HMSG"}:
            words = line.split()
            content = (await self._streams.reader.readexactly(int(words[-1]) + 2))[:-2]
            head = int(words[-2]) if verb == b"HMSG" else 0
            nobody = content[:head].partition(b"\r\n")[0].endswith(b" 503")
            self._answers.append(_NOBODY if nobody else content[head:].decode(errors="replace"))
        return verb
