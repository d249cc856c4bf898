"""A long-lived session with a Redis-protocol server, so that a command costs no new process."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.support.stalls import within

__all__ = ["PING", "RedisSession", "is_up"]

PING = b"PING\r\n"
"""What is asked of a server before anything else is."""

_ANSWER_S = 15.0


def is_up(answer: bytes) -> bool:
    """Whether who answers a PING so does what it is asked to.

    Who has no password is told so, and that is an answer too; one that still reads what it kept sends everybody away.
    """
    return answer[:1] in {b"+", b"-"} and not answer.startswith(b"-LOADING")


class RedisSession:
    """One connection to a Redis server, in RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, address: tuple[str, int], password: str, tls: ssl.SSLContext | None
    ) -> AsyncIterator[RedisSession]:
        """Connect, and authenticate where there is a password."""
        try:
            async with within(_ANSWER_S):
                reader, writer = await asyncio.open_connection(
                    *address, ssl=tls, server_hostname="redis" if tls else None
                )
        except (TimeoutError, OSError) as error:
            raise LaunchError(f"no connection to Redis: {error}") from error
        session = cls(reader, writer)
        try:
            if password:
                await session.run(0, ("AUTH", password), select=False)
            yield session
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with within(_ANSWER_S):
                    await writer.wait_closed()

    async def run(self, database: int, command: Sequence[str], *, select: bool = True) -> object:
        """One command in that database; returns its answer. Raises `LaunchError` where Redis answers with an error."""
        commands = [("SELECT", str(database)), command] if select else [command]
        try:
            async with self._one_at_a_time, within(_ANSWER_S):
                self._writer.write(b"".join(map(_encoded, commands)))
                await self._writer.drain()
                answers = [await self._reply() for _ in commands]
        except TimeoutError as error:
            raise DeadlineExceeded(f"Redis to answer {command[0]}", _ANSWER_S) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise LaunchError(f"the connection to Redis broke at {command[0]}: {error}") from error
        for answer in answers:
            if isinstance(answer, LaunchError):
                raise LaunchError(f"Redis refuses {command[0]}: {answer}")
        return answers[-1]

    async def _reply(self) -> object:
        line = (await self._reader.readuntil(b"\r\n"))[:-2].decode(errors="replace")
        kind, rest = line[:1], line[1:]
        if kind == "-":
            return LaunchError(rest)
        if kind == ":":
            return int(rest)
        if kind == "$":
            # A key may be any bytes.
            return (
                None
                if rest == "-1"
                else (await self._reader.readexactly(int(rest) + 2))[:-2].decode("utf-8", "replace")
            )
        if kind == "*":
            return [await self._reply() for _ in range(int(rest))]
        return rest


def _encoded(command: Sequence[str]) -> bytes:
    parts = [word.encode() for word in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
