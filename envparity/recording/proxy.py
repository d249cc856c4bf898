"""A proxy in front of a running backend: bytes go through both ways as they are, and a listener reads along."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from envparity.errors import LaunchError
from envparity.launch.connecting import why_not
from envparity.launch.port import Endpoint
from envparity.launch.shown_certificate import look
from envparity.recording.events import Recording
from envparity.recording.heads import Heads
from envparity.recording.listening_in import ConnectionNames, Listener

__all__ = ["RecordingProxy", "StopCondition", "reach", "record"]

_CONNECT_S: Final = 5.0
_TAKE_S: Final = 60.0  # how long somebody may take nothing of what is sent to him
_PIECE: Final = 64 * 1024
_MOST_CONNECTIONS: Final = 256
_GOODBYE_S: Final = 2.0


@dataclass(frozen=True)
class StopCondition:
    """When a recording ends by itself: after `for_s` seconds; with `once`, as soon as a WebSocket was closed and none
    is open, or without one as soon as the recording `is_over`: its sessions of long polling are.
    """

    for_s: float = 3600.0
    once: bool = False
    is_over: Callable[[Recording], bool] = lambda _recording: False


class RecordingProxy:
    """Passes on to `upstream`. Where that speaks TLS, it is asked for by its own name, whatever the client calls it."""

    def __init__(
        self,
        upstream: Endpoint,
        clock: Callable[[], float] = time.monotonic,
        is_over: Callable[[Recording], bool] = lambda _recording: False,
    ) -> None:
        self.recording = Recording()
        self.all_closed = asyncio.Event()
        self._upstream, self._is_over = upstream, is_over
        self._looks = False
        self._began, self._time = clock(), clock
        self._names = ConnectionNames()
        self._listeners: set[Listener] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[int]:
        """Listen there while the context lasts; gives the port. Raises `LaunchError` where it cannot be had."""
        try:
            server = await asyncio.start_server(self._accept, host, port)
        except OSError as error:
            raise LaunchError(f"nobody can listen on {host}:{port}: {why_not(error)}") from error
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_GOODBYE_S)
            await server.wait_closed()

    def _now(self) -> float:
        return round(self._time() - self._began, 6)

    def _closed(self) -> None:
        """A WebSocket was closed by one side; the other has a moment to say so too, and to hang up."""
        asyncio.get_running_loop().call_later(_GOODBYE_S, self._tell_if_over)

    def _tell_if_over(self) -> None:
        if not any(listener.is_open for listener in self._listeners):
            self.all_closed.set()

    def _look_later(self) -> None:
        """See whether that was all when a goodbye has had its time; whatever comes meanwhile is seen then too."""
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_later(_GOODBYE_S, self._look)

    def _look(self) -> None:
        self._looks = False
        if self._is_over(self.recording):
            self.all_closed.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a client in a task that is known at once: whenever the recording ends, it is ended."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) > _MOST_CONNECTIONS:
            self.recording.note(f"more than {_MOST_CONNECTIONS} connections at once: the rest was refused")
            return
        await self._pass_on(reader, writer)
        await _let_go(writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_CONNECT_S):
                answers, asks = await _connected(self._upstream)
        except (OSError, TimeoutError) as error:
            self.recording.note(f"the backend did not take a connection: {_reason(error)}")
            return
        listener = Listener(self.recording, self._names, self._now, self._closed)
        self._listeners.add(listener)
        upstream = self._upstream
        passes = Heads(upstream.host, upstream.origin).taken if upstream.tls is not None else bytes

        def from_client(data: bytes) -> bytes:
            listener.from_client(data)
            return passes(data)

        def from_server(data: bytes) -> bytes:
            listener.from_server(data)
            self._look_later()
            return data

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, asks, from_client, lambda: listener.over(by_client=True)))
                group.create_task(_pump(answers, writer, from_server, lambda: listener.over(by_client=False)))
        finally:
            self._listeners.discard(listener)
            if listener.is_socket and not any(other.is_socket for other in self._listeners):
                self.all_closed.set()
            await _let_go(asks)


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    heard: Callable[[bytes], bytes],
    over: Callable[[], None],
) -> None:
    """Carry what comes to where it goes, as whoever has heard it says, until one of the two ends it."""
    try:
        while data := await reader.read(_PIECE):
            writer.write(heard(data))
            async with asyncio.timeout(_TAKE_S):
                await writer.drain()
    except (OSError, TimeoutError):
        pass  # how a connection ends
    over()
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()  # TLS has no half of a connection


async def _let_go(writer: asyncio.StreamWriter) -> None:
    """Close, and wait until that is done; who does not take what is left is cut off."""
    writer.close()
    try:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S / 2):
                await writer.wait_closed()
    finally:
        writer.transport.abort()


async def _connected(upstream: Endpoint) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    name = upstream.server_name if upstream.tls is not None else None
    return await asyncio.open_connection(*upstream.address, ssl=upstream.tls, server_hostname=name)


async def reach(upstream: Endpoint) -> None:
    """Connect to the backend, and hang up. Raises `LaunchError` where it does not answer, or its certificate is not
    accepted.
    """
    try:
        await look(upstream, _CONNECT_S)
    except LaunchError as error:
        unverified = isinstance(error.__cause__, ssl.SSLCertVerificationError)
        advice = "\n  --ca names the certificates of the authority, where it is one of your own" if unverified else ""
        raise LaunchError(f"no backend answers at {upstream.origin}: {error}{advice}") from error


async def record(
    upstream: Endpoint,
    listen: tuple[str, int],
    until: StopCondition,
    listening: Callable[[int], None],
) -> Recording:
    """Record what goes over until that condition, SIGINT or SIGTERM; `listening` is told the port.

    Raises `LaunchError` where the backend cannot be reached, or nobody can listen there.
    """
    await reach(upstream)
    proxy = RecordingProxy(upstream, is_over=until.is_over)
    with _told_to_end() as told:
        async with proxy.serving(*listen) as port:
            listening(port)
            waited_for: set[asyncio.Future[object]] = {asyncio.ensure_future(told.wait())}
            if until.once:
                waited_for.add(asyncio.ensure_future(proxy.all_closed.wait()))
            await asyncio.wait(waited_for, timeout=until.for_s, return_when=asyncio.FIRST_COMPLETED)
            for waiting in waited_for:
                waiting.cancel()
    return proxy.recording


def _reason(error: OSError | TimeoutError) -> str:
    """Why, in words; a deadline of ours has none of its own."""
    return why_not(error) if isinstance(error, OSError) and error.errno else f"no answer within {_CONNECT_S:g} s"


@contextlib.contextmanager
def _told_to_end() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    try:
        yield told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
