"""The first connections of replicas that start together go on together.

Replicas are let go in the same moment, and come to what they need when each has had a processor for long enough: on two
processors hundreds of milliseconds apart. What they do to a dependency at the same time, such as making its tables, is
seen reliably only where they begin there at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
from collections.abc import Hashable

from envparity.launch.workers import owner_of

__all__ = ["LONGEST_AFTER_PAUSES_S", "LONGEST_S", "StartingLine", "who_connects"]

LONGEST_S = 0.3
"""How long the first may be kept waiting: well below any deadline of a first connection."""

LONGEST_AFTER_PAUSES_S = 1.5
"""The same where they have looked for it in vain before: each comes again when its own pause is over."""


class StartingLine:
    """Holds each replica's first connection to one dependency until all `replicas` have come, or for `longest_s`.

    Who comes is known by its address, or, on the loopback interface, by the session of its process; whoever cannot be
    told is let pass. Once they have gone on, nobody is held any more.
    """

    def __init__(self, replicas: int, longest_s: float = LONGEST_S) -> None:
        self._expected, self._longest_s = replicas, longest_s
        self._there: set[Hashable] = set()
        self._gone = asyncio.Event()

    async def wait(self, peer: tuple[str, int], port: int) -> None:
        """Return when that client of the dependency's proxy at `port` may go on."""
        if self._gone.is_set():
            return
        known = await who_connects(peer, port)
        if known is None:
            return
        self._there.add(known)
        if len(self._there) == 1:
            asyncio.get_running_loop().call_later(self._longest_s, self._gone.set)
        if len(self._there) >= self._expected:
            self._gone.set()
        await self._gone.wait()


async def who_connects(peer: tuple[str, int], port: int) -> Hashable | None:
    """Which replica connects from there: its host, or the session of the process; None where nobody can say."""
    host, peer_port = peer
    if not ipaddress.ip_address(host).is_loopback:
        return host
    pid = await asyncio.to_thread(owner_of, peer_port, port)
    with contextlib.suppress(OSError):
        return None if pid is None else os.getsid(pid)
    return None
