"""A small TCP proxy that makes the network bad on purpose, in Toxiproxy's vocabulary.

::

    async with Proxy("127.0.0.1", upstream=("127.0.0.1", 5432), name="postgres") as proxy:
        proxy.add(Latency(latency_ms=4))
        await proxy.down()      # open connections are reset, new ones refused
        await proxy.up()        # on the same port
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import logging
import socket
from types import TracebackType
from typing import Self

from envparity.launch.starting_line import StartingLine
from envparity.launch.stream import Link, carry, reset
from envparity.launch.toxics import Bandwidth, Direction, Latency, LimitData, ResetPeer, Slicer, Timeout, Toxic

__all__ = ["Bandwidth", "Latency", "LimitData", "Proxy", "ResetPeer", "Slicer", "Timeout", "Toxic"]

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 5.0
_ACCEPT_AGAIN_S = 0.05  # when the process has no more descriptors: waiting is all that can be done
_BACKLOG = 512


class Proxy:
    """Forwards TCP connections from a port of its own to `upstream`; entered, it has its port until it is left.

    `upstream` may be None, and may be set later or anew: as long as it is None, or the proxy is down, the port is
    held but connecting to it is refused. Connections to an upstream that cannot be reached are reset.
    `max_lifetime_s` is the age in seconds at which a connection is closed, whatever is said on it (None: never is one).
    To the upstream it comes from the client's own address where `as_client`, which must be one of this machine. With a
    `line` the first clients wait at it for one another.
    Raises `ValueError` for a listening address that means every interface.
    """

    def __init__(
        self,
        listen_host: str,
        upstream: tuple[str, int] | None = None,
        *,
        name: str = "",
        max_lifetime_s: float | None = None,
        as_client: bool = False,
        line: StartingLine | None = None,
    ) -> None:
        if ipaddress.ip_address(listen_host).is_unspecified:
            raise ValueError(f"a proxy listens on one address, and {listen_host} is every interface")
        self.name = name
        self._host = listen_host
        self._max_lifetime_s, self._as_client = max_lifetime_s, as_client
        self._upstream = upstream
        self._line = line
        self._is_down = False
        self._port = 0
        self._holder: socket.socket | None = None  # bound, never listening: keeps the port while it refuses
        self._listener: socket.socket | None = None
        self._connections: dict[asyncio.Task[None], list[Link]] = {}
        self._toxics: dict[str, tuple[Toxic, float]] = {}  # and since when, on the event loop's clock
        self._accepted = 0

    def hold_at(self, line: StartingLine) -> None:
        """Let the first clients from now on wait there for one another."""
        self._line = line

    @property
    def port(self) -> int:
        """The TCP port, the same from entering to leaving."""
        return self._port

    @property
    def open_connections(self) -> int:
        """How many clients are connected at the moment."""
        return len(self._connections)

    @property
    def upstream(self) -> tuple[str, int] | None:
        """Where new connections go; None: they are refused."""
        return self._upstream

    @upstream.setter
    def upstream(self, address: tuple[str, int] | None) -> None:
        self._upstream = address
        self._listen_or_not()

    async def __aenter__(self) -> Self:
        self._holder = self._held()
        self._port = int(self._holder.getsockname()[1])
        self._listen_or_not()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        holder, self._holder = self._holder, None
        try:
            await self.down()
        finally:
            if holder is not None:
                holder.close()

    def add(self, toxic: Toxic) -> str:
        """Begin that toxic on connections old and new; returns the name by which it is removed.

        Raises `ValueError` when there is one of that name already.
        """
        if toxic.label in self._toxics:
            raise ValueError(f"{self.name or 'the proxy'} has a toxic called {toxic.label} already")
        self._toxics[toxic.label] = (toxic, asyncio.get_running_loop().time())
        self._toxics_changed()
        return toxic.label

    def remove(self, name: str) -> None:
        """End the toxic of that name. Raises `KeyError` when there is none."""
        del self._toxics[name]
        self._toxics_changed()

    async def down(self) -> None:
        """Reset every open connection and refuse new ones. Returns when that is so."""
        self._is_down = True
        self._listen_or_not()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def up(self) -> None:
        """Undo `down`, on the same port."""
        self._is_down = False
        self._listen_or_not()

    def _toxics_changed(self) -> None:
        for links in self._connections.values():
            for link in links:
                link.toxics_changed()

    def _active(self, direction: Direction) -> list[tuple[Toxic, float]]:
        return [one for one in self._toxics.values() if one[0].direction == direction]

    def _held(self) -> socket.socket:
        made = socket.socket(_family(self._host), socket.SOCK_STREAM)
        try:
            made.bind((self._host, 0))
        except OSError:
            made.close()
            raise
        return made

    def _listening(self, holder: socket.socket) -> socket.socket:
        """A second socket on the holder's port, which listens.

        There may be two where both say that they share it and one of them does not listen. The holder says so for this
        moment only: an engine that publishes a container's port would else listen beside it.
        """
        made = socket.socket(_family(self._host), socket.SOCK_STREAM)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.settimeout(0)
            made.bind((self._host, self._port))
            made.listen(_BACKLOG)
        except OSError:
            made.close()
            raise
        finally:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        return made

    def _listen_or_not(self) -> None:
        """Bring listening in line with what is wanted, at once."""
        wanted = not self._is_down and self._upstream is not None
        loop = asyncio.get_running_loop()
        if wanted and self._holder is not None and self._listener is None:
            self._listener = self._listening(self._holder)
            loop.add_reader(self._listener, self._accept, self._listener)
        elif (not wanted or self._holder is None) and self._listener is not None:
            loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        """Take every client that waits (called when there is one)."""
        while True:
            try:
                client, peer = listener.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                log.warning("proxy %s cannot accept, and tries again: %s", self.name, error)
                loop = asyncio.get_running_loop()
                loop.remove_reader(listener)
                loop.call_later(_ACCEPT_AGAIN_S, self._accept_again, listener)
                return
            client.settimeout(0)
            number, self._accepted = self._accepted, self._accepted + 1
            task = asyncio.create_task(
                self._serve(client, peer, number), name=f"proxy {self.name}: connection {number}"
            )
            self._connections[task] = []
            task.add_done_callback(functools.partial(self._ended, client))

    def _ended(self, client: socket.socket, task: asyncio.Task[None]) -> None:
        del self._connections[task]
        if client.fileno() != -1:  # cancelled before it began
            reset(client)

    def _accept_again(self, listener: socket.socket) -> None:
        if listener is self._listener:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    async def _serve(self, client: socket.socket, peer: tuple[str, int], number: int) -> None:
        """One connection from accept to end. Whatever stops it from outside resets both sides."""
        ends = [client]
        try:
            if self._line is not None:
                await self._line.wait(peer[:2], self._port)
            try:
                server = await self._connect(client)
            except (OSError, TimeoutError) as error:
                log.debug("proxy %s: upstream not reached: %s", self.name, error)
                reset(client)
                return
            ends.append(server)
            for end in ends:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            links = [
                Link(client, server, number, lambda: self._active("upstream")),
                Link(server, client, number, lambda: self._active("downstream")),
            ]
            task = asyncio.current_task()
            if task in self._connections:
                self._connections[task] = links
            await carry(links, ends, self._max_lifetime_s)
        except asyncio.CancelledError:
            for end in ends:
                reset(end)
            raise
        finally:
            for end in ends:
                end.close()

    async def _connect(self, client: socket.socket) -> socket.socket:
        """A connection to the upstream. Raises `OSError` or `TimeoutError`."""
        if self._upstream is None:
            raise ConnectionRefusedError("no upstream")
        host, port = self._upstream
        server = socket.socket(_family(host), socket.SOCK_STREAM)
        try:
            server.settimeout(0)
            if self._as_client:
                server.bind((client.getpeername()[0], 0))
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(server, (host, port))
        except BaseException:
            server.close()
            raise
        return server


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
