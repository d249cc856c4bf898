"""A dependency that is away although its port answers: what clients meet there, and who tried to connect when."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from envparity.launch.refused import RefusedClients
from envparity.launch.starting_line import who_connects
from envparity.launch.stream import reset

__all__ = ["MOST_ATTEMPTS", "REFUSED", "Away", "Outage"]

Away = Literal["refuse", "cut", "hang_up", "black_hole"]
"""New connections are refused, with `cut` once open ones were reset; are accepted and reset at once; are accepted, and
nothing comes and nothing ends.
"""

REFUSED: frozenset[Away] = frozenset({"refuse", "cut"})
"""Where the port is closed."""

MOST_ATTEMPTS = 2_000
"""How many attempts are kept with their times; the rest is counted."""

_ASKED = 64  # of how many attempts it is asked who makes them: asking costs milliseconds, in which the client waits
_CHUNK_BYTES = 65536


@dataclass
class Outage:
    """One time that a dependency was away: from `began_s` to `ended_s` on the event loop's clock (None: it still is).

    `attempts` are the connections that were tried, each with its moment and who tried, where that can be told;
    `connected_s` is when the first connection went through since it ended. Whoever is refused is seen where `watching`
    was given something to watch with (`watch`).
    """

    how: Away
    began_s: float
    tell_apart: bool = True
    ended_s: float | None = None
    connected_s: float | None = None
    attempts: list[tuple[float, Hashable | None]] = field(default_factory=list)
    more: int = 0
    watching: list[RefusedClients] = field(default_factory=list)

    @property
    def sees(self) -> bool:
        """Whether it is seen who tries."""
        return self.how not in REFUSED or bool(self.watching)

    def watch(self, host: str, ports: Iterable[int]) -> None:
        """Note from now on who is refused at these ports, where that can be seen."""
        found = (RefusedClients.of(host, port, self._refused) for port in ports)
        self.watching += [watching for watching in found if watching is not None]

    def end(self) -> None:
        """It is over."""
        self.ended_s = asyncio.get_running_loop().time()
        for watching in self.watching:
            watching.close()

    def _refused(self, host: str) -> None:
        place = self._note()
        if place is not None and self.tell_apart and not ipaddress.ip_address(host).is_loopback:
            self.attempts[place] = self.attempts[place][0], host

    async def meet(self, client: socket.socket, peer: tuple[str, int], port: int) -> None:
        """What comes of a connection while this lasts. Returns when it is over, or its client is gone."""
        place = self._note()
        if self.tell_apart and place is not None and place < _ASKED:
            self.attempts[place] = self.attempts[place][0], await who_connects(peer, port)
        if self.how == "hang_up":
            reset(client)
            return
        with contextlib.suppress(OSError):
            while await asyncio.get_running_loop().sock_recv(client, _CHUNK_BYTES):
                pass

    def _note(self) -> int | None:
        if len(self.attempts) >= MOST_ATTEMPTS:
            self.more += 1
            return None
        self.attempts.append((asyncio.get_running_loop().time(), None))
        return len(self.attempts) - 1
