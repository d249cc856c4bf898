"""A failing order of initialisation made as like the canonical one as it can be and still fail.

Between any two legal orders there is a path of single swaps of neighbours on which every order is legal, for two steps
of which one requires the other stand alike in both ends. Bisecting a path from an order that passes to one that fails
finds, in log2 of its length, one swap that flips the verdict: that pair of steps matters. The least order that has all
the pairs found so far either fails, and is the answer, or passes, and is where the next path begins. So each pair that
matters costs one bisection, and what does not matter costs nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import combinations, pairwise

import msgspec

from envparity.errors import ConfigurationError, Mistake
from envparity.orders.graph import Graph

__all__ = ["Pair", "Shrunk", "shrink_order"]

Order = tuple[str, ...]
Fails = Callable[[Order], Awaitable[bool]]


class Pair(msgspec.Struct, frozen=True, order=True):
    """Two steps in this sequence, which is not the canonical one."""

    first: str
    then: str


class Shrunk(msgspec.Struct, frozen=True):
    """What is left of a failing order.

    `pairs` are all pairs of steps that stand otherwise than in the canonical order. `decisive` are those of them that
    are neighbours; the others only had to follow. `minimal` says that swapping any of the decisive ones back makes the
    order pass, each of which was tried; it is False where the boots were used up before. `boots` were needed.
    """

    order: tuple[str, ...]
    pairs: tuple[Pair, ...]
    decisive: tuple[Pair, ...]
    minimal: bool
    boots: int


class _OutOfBootsError(Exception):
    """The next question would be one too many."""


async def shrink_order(graph: Graph, failing: Sequence[str], fails: Fails, *, most: int = 60) -> Shrunk:
    """The order nearest to the canonical one that still fails, found with at most `most` boots.

    `fails` boots an order, which is always a legal one, and says whether it fails. No order is asked about twice;
    `failing` and the canonical order, which is taken to pass, are not asked about at all. Deterministic.

    Raises:
        ConfigurationError: `failing` is no order that the graph allows.
    """
    order = tuple(failing)
    wrong = graph.violations(order)
    if wrong:
        raise ConfigurationError(
            [
                Mistake("order", 0, violation.step, "an order that the graph allows", str(violation))
                for violation in wrong
            ]
        )
    shrinking = _Shrinking(graph, order, fails, most)
    try:
        await shrinking.to_what_matters()
        await shrinking.to_neighbours()
    except _OutOfBootsError:
        return shrinking.result(minimal=False)
    return shrinking.result(minimal=True)


class _Shrinking:
    """One order being shrunk. `known` has the answer to every question so far."""

    def __init__(self, graph: Graph, failing: Order, fails: Fails, most: int) -> None:
        self.graph = graph
        self.rank = {name: at for at, name in enumerate(graph.canonical)}
        self.known: dict[Order, bool] = {graph.canonical: False} | {failing: True}
        self.boots = 0
        self._failing, self._fails, self._most = failing, fails, most

    @property
    def nearest(self) -> Order:
        """Of the orders that fail the one with the fewest pairs in the wrong sequence."""
        return min((order for order, failed in self.known.items() if failed), key=lambda item: len(self.inverted(item)))

    async def to_what_matters(self) -> None:
        """Big steps: find one pair that matters after the other, until the least order with all of them fails."""
        needed: list[Pair] = []
        failing = self._failing
        while not await self.fails(least := self.least_with(needed)):
            pair, failing = await self.flipping_pair(least, failing)
            needed.append(pair)

    async def to_neighbours(self) -> None:
        """Small steps: swap neighbours back, until every one of these swaps leaves an order that passes."""
        swapped = True
        while swapped:
            swapped = False
            for candidate in self.swapped_back(self.nearest):
                if await self.fails(candidate):
                    swapped = True
                    break

    async def fails(self, order: Order) -> bool:
        """Whether it fails, from memory where it is known. Raises `_OutOfBootsError`."""
        if order not in self.known:
            if self.boots == self._most:
                raise _OutOfBootsError
            self.boots += 1
            self.known[order] = await self._fails(order)
        return self.known[order]

    async def flipping_pair(self, passing: Order, failing: Order) -> tuple[Pair, Order]:
        """A pair that makes the difference, found by bisection, and the order that fails with it and passes without.

        That order has whatever pairs the two given ones both have.
        """
        path = list(_path(passing, failing))
        low, high = 0, len(path) - 1
        while high - low > 1:
            middle = (low + high) // 2
            if await self.fails(path[middle]):
                high = middle
            else:
                low = middle
        at = next(place for place, (step, other) in enumerate(zip(path[low], path[high], strict=True)) if step != other)
        return Pair(path[high][at], path[high][at + 1]), path[high]

    def least_with(self, needed: Sequence[Pair]) -> Order:
        """An order with these pairs and few others: what must give way comes later, or what it waits for earlier."""
        before = {step.name: set(step.requires) for step in self.graph.steps}
        for pair in needed:
            before[pair.then].add(pair.first)
        after = {name: {value for value, needs in before.items() if name in needs} for name in before}
        later = _extension(before, self.rank)
        earlier = _extension(after, {name: -at for name, at in self.rank.items()})[::-1]
        return min(later, earlier, key=lambda order: len(self.inverted(order)))

    def inverted(self, order: Order) -> tuple[Pair, ...]:
        """Every pair that stands otherwise than in the canonical order."""
        return tuple(
            Pair(value, other) for value, other in combinations(order, 2) if self.rank[value] > self.rank[other]
        )

    def swapped_back(self, order: Order) -> Iterator[Order]:
        """Every order that has one pair of neighbours less in the wrong sequence."""
        for at, (step, other) in enumerate(pairwise(order)):
            if self.rank[step] > self.rank[other]:
                yield (*order[:at], other, step, *order[at + 2 :])

    def result(self, *, minimal: bool) -> Shrunk:
        order = self.nearest
        return Shrunk(
            order=order,
            pairs=self.inverted(order),
            decisive=tuple(Pair(*two) for two in pairwise(order) if self.rank[two[0]] > self.rank[two[1]]),
            minimal=minimal,
            boots=self.boots,
        )


def _path(start: Order, end: Order) -> Iterator[Order]:
    """From one order to another by swaps of neighbours, each of which brings two steps into the sequence of `end`."""
    order = list(start)
    yield tuple(order)
    for place, name in enumerate(end):
        for at in range(order.index(name), place, -1):
            order[at - 1], order[at] = order[at], order[at - 1]
            yield tuple(order)


def _extension(before: Mapping[str, set[str]], rank: Mapping[str, int]) -> Order:
    """The order that always takes, of the steps with nothing before them any more, the one of lowest rank."""
    waiting = {name: set(needs) for name, needs in before.items()}
    free = [(rank[name], name) for name, needs in waiting.items() if not needs]
    heapify(free)
    order = []
    while free:
        _, name = heappop(free)
        order.append(name)
        for later, needs in waiting.items():
            if name in needs:
                needs.remove(name)
                if not needs:
                    heappush(free, (rank[later], later))
    return tuple(order)
