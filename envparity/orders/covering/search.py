"""The smallest covering set that a budget finds: greedy first, then ever fewer rows for the local search.

Several rows are dropped at once while short attempts succeed; then one row fewer than the best is tried, with attempts
that grow, until the budget is spent or a number of rows is reached that is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envparity.orders.covering.anneal import CoolingSchedule, anneal, never
from envparity.orders.covering.greedy import greedy_rows
from envparity.orders.covering.tuples import rows_as_orders
from envparity.orders.extensions import extension_of_priorities
from envparity.orders.graph import Graph

__all__ = ["CoveringSearch", "search"]

Row = NDArray[np.int64]

SHORT_SWEEPS = {2: 50, 3: 300, 4: 100}
"""The first attempt at a number of rows, by strength: so many re-insertions of every step of every row."""

LARGEST_STEP = 10
"""No attempt drops more than one row in so many, but for the last of them."""

TEMPERATURES = {2: (0.5, 0.2), 3: (0.5, 0.25), 4: (0.35, 0.12)}
"""From where to where the rows are cooled, by strength: from where nothing is fixed yet to where nothing moves."""

FEW_STEPS = 24
TEMPERATURES_OF_FEW = (0.8, 0.3)
"""The same for strength 3 and at most `FEW_STEPS` steps: small sets become regular, and do so while hotter."""

GROWTH = {2: 1.1, 3: 3.0, 4: 2.0}
"""How much longer each attempt at the same number of rows is than the last, by strength."""


@dataclass(frozen=True)
class CoveringSearch:
    """A covering set, and what it cost: rows by greedy, rows after the search, re-insertions made."""

    orders: tuple[tuple[str, ...], ...]
    greedy: int
    moves: int


def search(
    graph: Graph,
    strength: int,
    *,
    seed: int = 0,
    moves: int,
    enough: int = 1,
    expired: Callable[[], bool] = never,
) -> CoveringSearch:
    """Search for few orders that cover every feasible sequence of `strength` steps.

    `moves` is the budget, in re-insertions of a step; with `enough` orders, a lower bound say, the search is over. The
    same seed and budget give the same orders, unless `expired`, the caller's deadline, ends the search before the
    budget does; what was found by then comes back.
    """
    rng = np.random.default_rng(seed)
    best: Sequence[Row] = greedy_rows(graph, strength, rng)
    greedy = len(best)
    few = strength == 3 and len(graph.steps) <= FEW_STEPS
    temperatures = TEMPERATURES_OF_FEW if few else TEMPERATURES[strength]
    made = 0
    failed = enough - 1
    sweeps = SHORT_SWEEPS[strength]
    while len(best) > enough and made < moves and not expired():
        if len(best) - 1 == failed:
            failed -= 1
            sweeps = int(sweeps * GROWTH[strength])
        rows = len(best) - max(1, min((len(best) - failed) // 2, len(best) // LARGEST_STEP))
        schedule = CoolingSchedule(min(moves - made, sweeps * rows * len(graph.steps)), *temperatures)
        start = best[:rows] if sweeps == SHORT_SWEEPS[strength] else _random_rows(graph, rows, rng)
        result = anneal(graph, strength, start, schedule=schedule, rng=rng, expired=expired)
        made += result.moves
        if result.uncovered:
            failed = rows
        else:
            best = result.rows
    return CoveringSearch(rows_as_orders(graph, best), greedy, made)


def _random_rows(graph: Graph, rows: int, rng: np.random.Generator) -> list[Row]:
    """A new start: what remains of a good set of more rows has a structure that is hard to leave."""
    wishes = [rng.random(len(graph.steps)).tolist() for _ in range(rows)]
    return [np.array(extension_of_priorities(graph, wish), dtype=np.int64) for wish in wishes]
