"""A program in a server's container that talks to it as its administrator."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from docker.models.containers import Container

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.container.engine import Engine
from envparity.launch.engine_stream import raw_socket

__all__ = ["ContainerShell"]

_ANSWER_S = 15.0
_FRAME = struct.Struct(">BxxxL")  # the engine's stream format: stream number, size


class ContainerShell:
    """One such program, which takes scripts one after the other."""

    def __init__(self, engine: Engine, stream: socket.socket) -> None:
        self._engine, self._stream = engine, stream

    @classmethod
    @asynccontextmanager
    async def open(cls, engine: Engine, container: Container, argv: Sequence[str]) -> AsyncIterator[ContainerShell]:
        """Start it; it ends when this is left."""

        def start() -> object:
            api = engine.client.api
            made = api.exec_create(container.id, list(argv), stdin=True)
            return api.exec_start(made["Id"], socket=True)

        with raw_socket(await engine.call("a session with the server", start)) as stream:
            stream.settimeout(_ANSWER_S)
            yield cls(engine, stream)

    async def ask(self, script: str, done: str) -> str:
        def ask() -> str:
            try:
                self._stream.sendall(script.encode())
                return self._answer(done)
            except OSError as error:
                raise LaunchError(f"the session with the server broke: {error}") from error

        return await self._engine.call("the server to do as its administrator says", ask)

    def _answer(self, done: str) -> str:
        """What it prints until it says that it is done; its two outputs come as frames in one stream."""
        said = ""
        until = time.monotonic() + _ANSWER_S
        while done not in said:
            if time.monotonic() > until:
                raise DeadlineExceeded("the server to answer", _ANSWER_S, said)
            _, size = _FRAME.unpack(self._exactly(_FRAME.size))
            said += self._exactly(size).decode(errors="replace")
        return said.replace(done, "")

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._stream.recv(size - len(data))
            if not more:
                raise LaunchError("the session with the server has ended")
            data += more
        return data
