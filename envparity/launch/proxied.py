"""The connections that go through a proxy: from a client's coming to the end of both sides."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from envparity.launch.outage import Outage
from envparity.launch.starting_line import StartingLine
from envparity.launch.stream import Link, carry, reset
from envparity.launch.switched_port import family_of
from envparity.launch.toxics import Direction, Toxic

__all__ = ["ActiveToxics", "ProxiedConnections", "Route"]

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 5.0


@dataclass
class Route:
    """Where clients go, and what stands in their way. `outage` is the one that goes on, `outages` are all of them.

    `max_lifetime_s` is their age at most; `as_client`: the upstream sees their own address.
    """

    upstream: tuple[str, int] | None
    line: StartingLine | None
    max_lifetime_s: float | None
    as_client: bool
    outage: Outage | None = None
    outages: list[Outage] = field(default_factory=list)

    def got_through(self) -> None:
        """Note the first connection since each time that the upstream was away."""
        for outage in self.outages:
            if outage.ended_s is not None and outage.connected_s is None:
                outage.connected_s = asyncio.get_running_loop().time()

    async def connect(self, client: socket.socket) -> socket.socket:
        """A connection to the upstream. Raises `OSError` or `TimeoutError`."""
        if self.upstream is None:
            raise ConnectionRefusedError("no upstream")
        host, port = self.upstream
        server = socket.socket(family_of(host), socket.SOCK_STREAM)
        try:
            server.settimeout(0)
            if self.as_client:
                server.bind((client.getpeername()[0], 0))
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(server, (host, port))
        except BaseException:
            server.close()
            raise
        return server


class ActiveToxics:
    """The toxics of a proxy, by name, each with the moment on the event loop's clock since which it is active."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._toxics: dict[str, tuple[Toxic, float]] = {}
        self._changed = changed

    def __contains__(self, name: str) -> bool:
        return name in self._toxics

    def add(self, toxic: Toxic) -> None:
        """Begin it."""
        self._toxics[toxic.label] = (toxic, asyncio.get_running_loop().time())
        self._changed()

    def remove(self, name: str) -> None:
        """End the one of that name. Raises `KeyError` when there is none."""
        del self._toxics[name]
        self._changed()

    def active(self, direction: Direction) -> list[tuple[Toxic, float]]:
        """Those of that direction."""
        return [toxic for toxic in self._toxics.values() if toxic[0].direction == direction]


class ProxiedConnections:
    """Those of one proxy. `most` is how many there were at the same time."""

    def __init__(self, name: str, route: Route) -> None:
        self._name, self._route = name, route
        self._links: dict[asyncio.Task[None], list[Link]] = {}
        self._accepted = 0
        self.most = 0
        self.toxics = ActiveToxics(self._toxics_changed)

    def __len__(self) -> int:
        return len(self._links)

    def take(self, client: socket.socket, peer: tuple[str, int], port: int) -> None:
        """Serve a client that has come to that port."""
        number, self._accepted = self._accepted, self._accepted + 1
        serving = self._serve(client, peer, port, number)
        task = asyncio.create_task(serving, name=f"proxy {self._name}: connection {number}")
        self._links[task] = []
        self.most = max(self.most, len(self._links))
        task.add_done_callback(functools.partial(self._ended, client))

    async def reset(self) -> None:
        """Reset all of them. Returns when that is so."""
        tasks = list(self._links)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def strand(self) -> None:
        """Let all of them fall silent, for ever."""
        for links in self._links.values():
            for link in links:
                link.strand()

    def _toxics_changed(self) -> None:
        for links in self._links.values():
            for link in links:
                link.toxics_changed()

    def _ended(self, client: socket.socket, task: asyncio.Task[None]) -> None:
        del self._links[task]
        if client.fileno() != -1:  # cancelled before it began
            reset(client)

    async def _serve(self, client: socket.socket, peer: tuple[str, int], port: int, number: int) -> None:
        """One connection from accept to end. Whatever stops it from outside resets both sides."""
        ends, route = [client], self._route
        try:
            if route.outage is not None:
                await route.outage.meet(client, peer, port)
                return
            if route.line is not None:
                await route.line.wait(peer[:2], port)
            try:
                server = await route.connect(client)
            except (OSError, TimeoutError) as error:
                log.debug("proxy %s: upstream not reached: %s", self._name, error)
                reset(client)
                return
            ends.append(server)
            route.got_through()
            for end in ends:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            links = [
                Link(client, server, number, lambda: self.toxics.active("upstream")),
                Link(server, client, number, lambda: self.toxics.active("downstream"), from_client=False),
            ]
            task = asyncio.current_task()
            if task in self._links:
                self._links[task] = links
            await carry(links, ends, route.max_lifetime_s)
        except asyncio.CancelledError:
            for end in ends:
                reset(end)
            raise
        finally:
            for end in ends:
                end.close()
