"""A small TCP proxy that makes the network bad on purpose, in Toxiproxy's vocabulary.

::

    async with Proxy("127.0.0.1", upstream=("127.0.0.1", 5432), name="postgres") as proxy:
        proxy.add(Latency(latency_ms=4))
        await proxy.down()      # open connections are reset, new ones refused
        await proxy.up()        # on the same port
"""

from __future__ import annotations

import asyncio
import ipaddress
from types import TracebackType
from typing import Self

from envparity.launch.outage import REFUSED, Away, Outage
from envparity.launch.proxied import ProxiedConnections, Route
from envparity.launch.starting_line import StartingLine
from envparity.launch.switched_port import SwitchedPorts
from envparity.launch.toxics import Bandwidth, Latency, LimitData, ResetPeer, Slicer, Timeout, Toxic

__all__ = ["Bandwidth", "Latency", "LimitData", "Proxy", "ResetPeer", "Slicer", "Timeout", "Toxic"]


class Proxy:
    """Forwards TCP connections from a port of its own to `upstream`; entered, it has its port until it is left.

    `upstream` may be None, and may be set later or anew: as long as it is None, or the proxy is down, the port is
    held but connecting to it is refused. Connections to an upstream that cannot be reached are reset.
    `max_lifetime_s` is the age in seconds at which a connection is closed, whatever is said on it (None: never is one).
    With a `usual_port` it listens there as well, as the server itself does elsewhere.
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
        usual_port: int | None = None,
    ) -> None:
        if ipaddress.ip_address(listen_host).is_unspecified:
            raise ValueError(f"a proxy listens on one address, and {listen_host} is every interface")
        self.name = name
        self._route = Route(upstream, line, max_lifetime_s, as_client)
        self._connections = ProxiedConnections(name, self._route)
        self._ports = SwitchedPorts(listen_host, self._connections.take, name, usual_port)
        self._is_down = False

    def hold_at(self, line: StartingLine) -> None:
        """Let the first clients from now on wait there for one another."""
        self._route.line = line

    @property
    def port(self) -> int:
        """The TCP port, the same from entering to leaving."""
        return self._ports.first.number

    @property
    def open_connections(self) -> int:
        """How many clients are connected at the moment."""
        return len(self._connections)

    @property
    def most_connections(self) -> int:
        """How many clients were connected at the same time at most, those included whom the upstream turned away."""
        return self._connections.most

    @property
    def upstream(self) -> tuple[str, int] | None:
        """Where new connections go; None: they are refused."""
        return self._route.upstream

    @upstream.setter
    def upstream(self, address: tuple[str, int] | None) -> None:
        self._route.upstream = address
        self._listen_or_not()

    async def __aenter__(self) -> Self:
        self._ports.hold()
        self._listen_or_not()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        give_back = self._ports.release()
        if self._route.outage is not None:
            self._route.outage.end()
        try:
            await self.down()
        finally:
            give_back()

    def add(self, toxic: Toxic) -> str:
        """Begin that toxic on connections old and new; returns the name by which it is removed.

        Raises `ValueError` when there is one of that name already.
        """
        if self.has(toxic.label):
            raise ValueError(f"{self.name or 'the proxy'} has a toxic called {toxic.label} already")
        self._connections.toxics.add(toxic)
        return toxic.label

    def has(self, name: str) -> bool:
        """Whether there is a toxic of that name."""
        return name in self._connections.toxics

    def remove(self, name: str) -> None:
        """End the toxic of that name. Raises `KeyError` when there is none."""
        self._connections.toxics.remove(name)

    async def down(self) -> None:
        """Reset every open connection and refuse new ones. Returns when that is so."""
        self._is_down = True
        self._listen_or_not()
        await self._connections.reset()

    async def up(self) -> None:
        """Undo `down` and `vanish`, on the same port. Connections that fell silent stay silent."""
        self._is_down = False
        if self._route.outage is not None:
            self._route.outage.end()
            self._route.outage = None
        self._listen_or_not()

    async def vanish(self, how: Away, *, tell_apart: bool = True) -> None:
        """Be away until `up`, and note who tries to connect meanwhile: `outages` has one more.

        Open connections stay where new ones are refused, are reset where it is cut off or whoever comes is hung up on,
        and fall silent for ever in a black hole. With `tell_apart` it is asked who comes.
        """
        await self.up()
        if how in {"hang_up", "cut"}:
            await self.down()
        self._is_down = how in REFUSED
        self._route.outage = Outage(how, asyncio.get_running_loop().time(), tell_apart)
        self._route.outages.append(self._route.outage)
        if how in REFUSED:
            self._route.outage.watch(self._ports.first.host, self._ports.numbers)
        if how == "black_hole":
            self._connections.strand()
        self._listen_or_not()

    @property
    def outages(self) -> list[Outage]:
        """Each time that it was away."""
        return self._route.outages

    def _listen_or_not(self) -> None:
        """Bring listening in line with what is wanted, at once."""
        self._ports.switch(wanted=not self._is_down and self._route.upstream is not None)
