"""What the replicas hold open, looked at between rounds of conversations, once their connections are closed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from envparity.judge.growth import SLOPE
from envparity.launch.controls import CountsConnections, SaysHoldings, ShowsMetrics
from envparity.launch.port import Stack
from envparity.launch.usage import usage_of
from envparity.launch.workers import SeesWorkers
from envparity.observe.label_values import label_values, present
from envparity.observe.transcript import HandshakeAnswered, Transcript
from envparity.observe.usage import ReplicaUsage, Usage

__all__ = ["Growth"]

_LOOKS = 10
_LOOKS_AT_GAUGES = 20
_BETWEEN_LOOKS_S = 0.1


class _Page(NamedTuple):
    """What a replica shows as its metrics, and what the gauges in it say of how many are there."""

    text: str
    gauges: dict[str, float]


class Growth:
    """The points at which one stack was looked at: how many connections were made by then, and what was held open.

    With `holdings` its dependencies are asked too what they hold.
    """

    def __init__(self, stack: Stack, *, holdings: bool = False) -> None:
        self._stack, self._holdings = stack, holdings
        self._pids: dict[int, tuple[int, ...]] = {}
        self._connections = [0] * stack.replica_count
        self.points: list[Usage] = []

    async def look(self, played: Iterable[Transcript] = ()) -> None:
        """One more point, after these plays. What is still being closed is waited for, for a second at most."""
        if not isinstance(self._stack, SeesWorkers):
            return
        for transcript in played:
            self._count(transcript)
        if not self._pids:
            for index in range(self._stack.replica_count):
                workers = await self._stack.workers(index)
                self._pids[index] = tuple(sorted(workers.processes)) if workers is not None else ()
        held = await self._held()
        for _ in range(_LOOKS):
            await asyncio.sleep(_BETWEEN_LOOKS_S)
            again = await self._held()
            falling = _descriptors(again) < _descriptors(held)
            held = again
            if not falling:
                break
        to = self._stack.connections_to() if isinstance(self._stack, CountsConnections) else {}
        kept = await self._stack.holdings() if self._holdings and isinstance(self._stack, SaysHoldings) else {}
        pages = await self._settled_pages()
        labels, there = tuple(label_values(page.text) for page in pages), tuple(page.gauges for page in pages)
        self.points.append(Usage(tuple(self._connections), tuple(held), to, labels, there, kept))

    async def _settled_pages(self) -> list[_Page]:
        """Pages of metrics; again, for two seconds, while a gauge has grown since the last point as a leak does.

        What ends a connection may still be at it, on a busy machine: what stays is asked for.
        """
        pages = await self._pages()
        for _ in range(_LOOKS_AT_GAUGES):
            if not self._has_grown(pages):
                break
            await asyncio.sleep(_BETWEEN_LOOKS_S)
            pages = await self._pages()
        return pages

    def _has_grown(self, pages: Iterable[_Page]) -> bool:
        if not self.points:
            return False
        before, made = self.points[-1], sum(self._connections)
        was, now = _there(before.present), _there(page.gauges for page in pages)
        least = SLOPE * max(made - sum(before.connections), 1)
        return any(count - was.get(name, 0) >= least for name, count in now.items())

    async def _pages(self) -> list[_Page]:
        """The metrics of each replica, where it shows any."""
        stack = self._stack
        if not isinstance(stack, ShowsMetrics):
            return []
        texts = [await stack.metrics(index) for index in range(stack.replica_count)]
        return [_Page(text, present(text)) for text in texts]

    async def _held(self) -> list[ReplicaUsage | None]:
        return [await usage_of(pids) for pids in self._pids.values()]

    def _count(self, transcript: Transcript) -> None:
        if transcript.clients is not None:
            for index, accepted in enumerate(transcript.clients.accepted[: len(self._connections)]):
                self._connections[index] += accepted
            return
        for event in transcript.events:
            if isinstance(event, HandshakeAnswered) and event.accepted:
                index = event.replica if event.replica is not None else 0
                if index < len(self._connections):
                    self._connections[index] += 1


def _there(of_replicas: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """What each gauge says of all replicas together."""
    together: dict[str, float] = {}
    for said in of_replicas:
        for name, count in said.items():
            together[name] = together.get(name, 0) + count
    return together


def _descriptors(held: Iterable[ReplicaUsage | None]) -> int:
    return sum(usage.descriptors for usage in held if usage is not None)
