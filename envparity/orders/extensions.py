"""Linear extensions of a graph: counted, iterated, and drawn at random.

Two samplers, and neither chooses uniformly among the steps that are ready, which would leave some orders with a
probability of 2^-k:

- `UniformExtensions` is exactly uniform. It counts down-sets (sets of steps closed under "requires"), so it is for
  graphs up to about 25 steps; `DownSetLimitError` says when a graph is beyond it.
- `extension_by_priorities` gives every step a random priority and always runs the ready step with the smallest. It is
  for any size. It is uniform for unrelated steps, and not otherwise: a step that had to wait comes soon after what it
  waited for if its priority is small, so orders in which chains alternate are rarer than orders in which they follow
  one another (on a graph with 36 orders, between 1/20 and 5 times the even share). Every order keeps a probability of
  at least 1/n!, for the priorities may themselves be that order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush
from math import comb
from random import Random

from envparity.errors import EnvparityError
from envparity.orders.graph import Graph, members, ready

__all__ = [
    "DOWN_SETS_LIMIT",
    "DownSetLimitError",
    "UniformExtensions",
    "count_extensions",
    "extension_by_priorities",
    "extension_of_priorities",
    "linear_extensions",
]

DOWN_SETS_LIMIT = 300_000
"""How many down-sets of one connected part are counted before giving up: about a second."""


class DownSetLimitError(EnvparityError):
    """A graph has too many down-sets for exact counting. Sample with `extension_by_priorities` instead."""

    def __init__(self, steps: int, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"a connected part of {steps} steps has more than {limit} down-sets, too many to count its linear "
            "extensions exactly; sample by random priorities, or raise the limit"
        )


class UniformExtensions:
    """Counts the linear extensions of a graph exactly and draws each with the same probability.

    Connected parts are counted apart and interleaved, so that unrelated steps cost nothing.

    Raises:
        DownSetLimitError: a connected part has more than `limit` down-sets.
    """

    def __init__(self, graph: Graph, limit: int = DOWN_SETS_LIMIT) -> None:
        self.graph = graph
        self._parts = _connected_parts(graph)
        self._ways = {part: _completions(graph, part, limit) for part in self._parts}

    @cached_property
    def count(self) -> int:
        """The number of linear extensions."""
        return self.completions(0)

    def completions(self, done: int) -> int:
        """In how many ways an order that began with the steps in the mask `done` (a down-set) can go on."""
        product, length = 1, 0
        for part, ways in self._ways.items():
            rest = (part & ~done).bit_count()
            length += rest
            product *= ways[part & done] * comb(length, rest)
        return product

    def weights(self, done: int) -> list[tuple[int, int]]:
        """The steps that may come next, in canonical sequence, each with the number of orders that go on with it."""
        return [(at, self.completions(done | 1 << at)) for at in ready(self.graph, done)]

    def sample(self, random: Random) -> tuple[str, ...]:
        """One linear extension, each with the same probability."""
        done = 0
        order = []
        while done.bit_count() < len(self.graph.steps):
            choices = self.weights(done)
            ticket = random.randrange(sum(weight for _, weight in choices))
            for at, weight in choices:  # noqa: B007 - the step at which the ticket is used up is the one drawn
                ticket -= weight
                if ticket < 0:
                    break
            order.append(self.graph.names[at])
            done |= 1 << at
        return tuple(order)


def count_extensions(graph: Graph, limit: int = DOWN_SETS_LIMIT) -> int:
    """The exact number of linear extensions.

    Raises:
        DownSetLimitError: a connected part has more than `limit` down-sets.
    """
    return UniformExtensions(graph, limit).count


def linear_extensions(graph: Graph) -> Iterator[tuple[str, ...]]:
    """All linear extensions, lexicographic by the canonical order, which therefore comes first."""
    order: list[int] = []
    pending = [ready(graph, 0)[::-1]]
    done = 0
    while pending:
        if len(order) == len(graph.steps):
            yield tuple(graph.names[at] for at in order)
        if pending[-1]:
            at = pending[-1].pop()
            order.append(at)
            done |= 1 << at
            pending.append(ready(graph, done)[::-1])
        else:
            pending.pop()
            if order:
                done &= ~(1 << order.pop())


def extension_by_priorities(graph: Graph, random: Random) -> tuple[str, ...]:
    """A random linear extension of a graph of any size; near to uniform, not exactly (see the module)."""
    order = extension_of_priorities(graph, [random.random() for _ in graph.steps])
    return tuple(graph.names[at] for at in order)


def extension_of_priorities(graph: Graph, priorities: Sequence[float]) -> list[int]:
    """The order, as indices, that always runs the ready step with the smallest priority (`priorities[i]` of step i)."""
    waiting = [mask.bit_count() for mask in graph.required]
    heap = [(priorities[at], at) for at, count in enumerate(waiting) if not count]
    heapify(heap)
    order = []
    while heap:
        _, at = heappop(heap)
        order.append(at)
        for later in members(graph.after[at]):
            if graph.required[later] >> at & 1:
                waiting[later] -= 1
                if not waiting[later]:
                    heappush(heap, (priorities[later], later))
    return order


def _connected_parts(graph: Graph) -> list[int]:
    """The masks of the connected parts of the graph, its requirements read in both directions."""
    left = (1 << len(graph.steps)) - 1
    parts = []
    while left:
        part, grown = 0, left & -left
        while grown != part:
            part = grown
            for at in members(part):
                grown |= graph.before[at] | graph.after[at]
        parts.append(part)
        left &= ~part
    return parts


def _completions(graph: Graph, part: int, limit: int) -> dict[int, int]:
    """For each down-set of a connected part, the number of ways to go on from it to the whole part."""
    steps = members(part)
    levels: list[dict[int, list[int]]] = [{0: []}]
    total = 1
    for _ in steps:
        found: dict[int, list[int]] = {}
        for done, nexts in levels[-1].items():
            for at in steps:
                if not done >> at & 1 and not graph.required[at] & ~done:
                    grown = done | 1 << at
                    nexts.append(grown)
                    found.setdefault(grown, [])
        total += len(found)
        if total > limit:
            raise DownSetLimitError(len(steps), limit)
        levels.append(found)
    ways = {part: 1}
    for level in reversed(levels[:-1]):
        for done, nexts in level.items():
            ways[done] = sum(ways[grown] for grown in nexts)
    return ways
