"""A listening port whose connections are served in tasks; and asyncio streams, with TLS or without, over a socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from envparity.launch.stream import reset

__all__ = ["Accepting", "Stream", "connect_stream", "open_stream"]

log = logging.getLogger(__name__)

_BACKLOG = 512
_ACCEPT_AGAIN_S = 0.05  # when the process has no more descriptors: waiting is all that can be done
_CHUNK_BYTES = 65536
_CLOSE_TIMEOUT_S = 1.0  # how long an orderly close waits for the peer's close_notify


class Accepting:
    """Listens on a port of its own from entering to leaving, and serves each connection in a task of its own.

    `serve` takes over the accepted socket, which does not block; what it raises ends its connection only. Whatever is
    still served on leaving is cancelled, and its socket is reset where `serve` has not closed it.
    """

    def __init__(
        self, host: str, serve: Callable[[socket.socket], Coroutine[object, object, None]], *, name: str
    ) -> None:
        self._host, self._serve, self._name = host, serve, name
        self._listener: socket.socket | None = None
        self._address = (host, 0)
        self._loop_task: asyncio.Task[None] | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Where clients connect."""
        return self._address

    async def __aenter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._listener = socket.create_server((self._host, 0), family=family, backlog=_BACKLOG)
        self._listener.settimeout(0)
        self._address = (self._host, int(self._listener.getsockname()[1]))
        self._loop_task = asyncio.create_task(self._accept(self._listener), name=f"{self._name}: accepting")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_accepting()
        await self.drop()

    async def stop_accepting(self) -> None:
        """Refuse new connections from now on; those that are open stay."""
        task, self._loop_task = self._loop_task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()

    async def drop(self) -> None:
        """End every connection that is open."""
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def all_served(self, timeout_s: float) -> None:
        """Wait until no connection is open, for that long at most."""
        if self._serving:
            await asyncio.wait(self._serving, timeout=timeout_s)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except ConnectionAbortedError:
                continue
            except OSError as error:
                log.warning("%s cannot accept, and tries again: %s", self._name, error)
                await asyncio.sleep(_ACCEPT_AGAIN_S)
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.create_task(self._served(client), name=f"{self._name}: connection")
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    async def _served(self, client: socket.socket) -> None:
        try:
            await self._serve(client)
        except (OSError, TimeoutError) as error:
            log.debug("%s: a connection ended: %r", self._name, error)
        finally:
            if client.fileno() != -1:
                reset(client)


class _Touching(asyncio.StreamReaderProtocol):
    """Says that bytes came, or their end, when they come and not when somebody reads them.

    Data that a busy loop has not handed over yet must not look like silence.
    """

    def __init__(self, reader: asyncio.StreamReader, touched: Callable[[], None], ended: asyncio.Event) -> None:
        super().__init__(reader)
        self._touched, self._ended = touched, ended

    def data_received(self, data: bytes) -> None:
        self._touched()
        super().data_received(data)

    def eof_received(self) -> bool | None:
        self._ended.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()
        super().connection_lost(exc)


@dataclass(frozen=True)
class Stream:
    """Both directions of one connection. `ended` is set as soon as the peer has closed, or reset, its side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, data: bytes) -> None:
        """Send it, or as much of it as the peer's window leaves room for and keep the rest ready."""
        self.writer.write(data)
        await self.writer.drain()

    async def copy_to(self, sink: Stream) -> None:
        """Carry bytes until this side ends. Raises OSError when either is reset."""
        while data := await self.reader.read(_CHUNK_BYTES):
            await sink.send(data)

    async def close(self) -> None:
        """Send what is left, say goodbye where there is TLS, and close; a peer that takes none of it is reset."""
        self.writer.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self.writer.wait_closed()
        except (OSError, TimeoutError):
            self.abort()

    def abort(self) -> None:
        """Close at once, whatever was still to be sent."""
        # AttributeError is how asyncio's TLS transport says, in early 3.11, that it has been closed already.
        with contextlib.suppress(OSError, AttributeError):
            self.writer.transport.abort()


def _untouched() -> None:
    pass


async def open_stream(
    connected: socket.socket,
    tls: ssl.SSLContext | None,
    handshake_timeout_s: float,
    touched: Callable[[], None] = _untouched,
) -> Stream:
    """Streams over a connected socket, as the server of a TLS handshake where `tls` is given. Takes the socket over.

    `touched` is called whenever bytes arrive. Raises OSError (`ssl.SSLError` is one) when the handshake fails or takes
    longer than `handshake_timeout_s`.
    """
    loop = asyncio.get_running_loop()
    reader, ended = asyncio.StreamReader(), asyncio.Event()
    protocol = _Touching(reader, touched, ended)
    limits = {"ssl_handshake_timeout": handshake_timeout_s, "ssl_shutdown_timeout": _CLOSE_TIMEOUT_S} if tls else {}
    owned = socket.socket(fileno=connected.detach())  # the transport's from here on, also when the handshake fails
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, owned, ssl=tls, **limits)
    return Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop), ended)


async def connect_stream(address: tuple[str, int], touched: Callable[[], None] = _untouched) -> Stream:
    """Streams to that host and port, without TLS. Raises OSError."""
    loop = asyncio.get_running_loop()
    reader, ended = asyncio.StreamReader(), asyncio.Event()
    protocol = _Touching(reader, touched, ended)
    transport, _ = await loop.create_connection(lambda: protocol, *address)
    return Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop), ended)
