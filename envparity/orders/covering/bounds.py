"""How few orders can cover at all: lower bounds, each with its reason.

For strength 2 the least number of orders is the dimension of the partial order, because covering every pair both ways
round is what a realizer does (Dushnik and Miller, 1941).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from envparity.orders.covering.tuples import SequenceCodes
from envparity.orders.graph import Graph, members

__all__ = ["LowerBound", "lower_bound", "width"]

Pair = tuple[int, int]

ANTICHAINS = ((5, 7), (10, 9))
"""(width, orders needed at strength 3): unconstrained events, optimal sizes proved by SAT solvers; more events need no
fewer orders, since leaving an event out of every order keeps the rest covered."""

CLIQUE_STEPS = 20_000


@dataclass(frozen=True)
class LowerBound:
    """No covering set has fewer than `rows` orders, because of `reason`."""

    rows: int
    reason: str


def lower_bound(graph: Graph, strength: int) -> LowerBound:
    """The best lower bound that is cheap to certify for covering sets of this strength."""
    if len(graph.steps) < strength:
        return LowerBound(1, "there are fewer steps than the strength, and nothing to cover")
    bounds = [_dimension_bound(graph), *(_subset_bound(graph, level) for level in range(3, strength + 1))]
    if strength >= 3:
        broad = width(graph)
        bounds += [
            LowerBound(
                rows, f"{broad} steps are unrelated, and {size} unrelated steps need {rows} orders at strength 3"
            )
            for size, rows in ANTICHAINS
            if broad >= size
        ]
    return max(bounds, key=lambda bound: bound.rows)


def width(graph: Graph) -> int:
    """The most steps of which none must precede another (Dilworth: steps less a largest matching of the closure)."""
    partner: dict[int, int] = {}

    def augment(step: int, tried: set[int]) -> bool:
        for later in members(graph.after[step]):
            if later not in tried:
                tried.add(later)
                if later not in partner or augment(partner[later], tried):
                    partner[later] = step
                    return True
        return False

    return len(graph.steps) - sum(augment(step, set()) for step in range(len(graph.steps)))


def _subset_bound(graph: Graph, strength: int) -> LowerBound:
    """An order covers one sequence of every set of t steps, so the freest set needs as many orders as it has."""
    codes = SequenceCodes(graph, strength)
    sets = np.sort(codes.members(np.flatnonzero(codes.feasible())), axis=0)
    weights = len(graph.steps) ** np.arange(strength)
    most = int(np.unique(weights @ sets, return_counts=True)[1].max())
    return LowerBound(most, f"some {strength} steps may run in {most} orders")


def _dimension_bound(graph: Graph) -> LowerBound:
    """The dimension of the partial order, as far as conflicts between pairs of reversals certify it.

    Two reversals conflict if no order contains both. Orders are then colours: 1 for a chain; 2 exactly if the conflicts
    of the critical pairs can be 2-coloured (Cogis, 1982); and at least the size of any set of reversals in conflict
    with one another.
    """
    pairs = _critical_pairs(graph)
    if not pairs:
        return LowerBound(1, "the graph is a chain: dimension 1")
    conflicts = [sum(1 << other for other, pair in enumerate(pairs) if _conflict(graph, mine, pair)) for mine in pairs]
    if _two_colourable(conflicts):
        return LowerBound(2, "dimension 2")
    clique = _large_clique(conflicts)
    if clique > 3:
        return LowerBound(clique, f"dimension at least {clique}: {clique} reversals of which no order contains two")
    return LowerBound(3, "dimension at least 3: the reversals' conflicts cannot be 2-coloured")


def _critical_pairs(graph: Graph) -> list[Pair]:
    """Unrelated pairs (a, b) with all before a before b, and all after b after a: to cover them is to cover all."""
    found = []
    for a, b in combinations(range(len(graph.steps)), 2):
        if (graph.before[a] | graph.after[a]) >> b & 1:
            continue
        for first, second in ((a, b), (b, a)):
            if not graph.before[first] & ~graph.before[second] and not graph.after[second] & ~graph.after[first]:
                # The critical pair is the sequence that is hard to get: `second` before `first`.
                found.append((second, first))
    return found


def _conflict(graph: Graph, pair: Pair, other: Pair) -> bool:
    """Whether no order contains both: one's second is or precedes other's first, and the other way round."""
    return _reaches(graph, pair[1], other[0]) and _reaches(graph, other[1], pair[0])


def _reaches(graph: Graph, early: int, late: int) -> bool:
    return early == late or bool(graph.after[early] >> late & 1)


def _two_colourable(conflicts: list[int]) -> bool:
    colour: dict[int, int] = {}
    for start in range(len(conflicts)):
        if start in colour:
            continue
        colour[start] = 0
        pending = [start]
        while pending:
            at = pending.pop()
            for other in members(conflicts[at]):
                if other not in colour:
                    colour[other] = 1 - colour[at]
                    pending.append(other)
                elif colour[other] == colour[at]:
                    return False
    return True


def _large_clique(conflicts: list[int]) -> int:
    """The size of a large clique: branch and bound, cut off after `CLIQUE_STEPS` branches."""
    best = 0
    pending = [(0, (1 << len(conflicts)) - 1)]
    for _ in range(CLIQUE_STEPS):
        if not pending:
            break
        size, open_ = pending.pop()
        best = max(best, size)
        if size + open_.bit_count() <= best or not open_:
            continue
        pick = max(members(open_), key=lambda at: (conflicts[at] & open_).bit_count())
        pending += [(size, open_ & ~(1 << pick)), (size + 1, open_ & conflicts[pick])]
    return best
