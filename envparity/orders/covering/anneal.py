"""The local search behind covering sets: a fixed number of rows, slowly cooled.

One step of one row at a time is taken out and put back, into a gap drawn with probability proportional to
exp(gain / temperature): the heat-bath rule, in which a gap's gain is the number of sequences that the row then covers
and no other row does. Gaps that the graph forbids are never drawn. Where a graph forbids anything, a row is also pulled
towards a missing sequence now and then, several steps at once.

The gains of several steps of the same row are computed together, as if none of them moved; those after the first that
does move are drawn again. The chain is the same as one step at a time, at a fraction of the cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envparity.orders.covering.gains import RowGains, gains_for
from envparity.orders.covering.tuples import row_containing
from envparity.orders.graph import Graph

__all__ = ["Annealed", "CoolingSchedule", "anneal", "never"]

Row = NDArray[np.int64]

NOISE = 1 << 16
SWEEPS_PER_TEMPERATURE = 200


def never() -> bool:
    """No deadline: the budget alone ends the work, which is what makes it deterministic."""
    return False


@dataclass(frozen=True)
class CoolingSchedule:
    """How long to cool, and from where to where: `moves` re-insertions, temperatures in covered sequences."""

    moves: int
    hot: float
    cold: float

    def temperature(self, made: int) -> float:
        """The temperature after so many moves, falling geometrically."""
        return float(self.hot * (self.cold / self.hot) ** min(1.0, made / max(1, self.moves)))


@dataclass(frozen=True)
class Annealed:
    """What a search came to: its rows, how many sequences they leave uncovered, and the moves it took."""

    rows: tuple[Row, ...]
    uncovered: int
    moves: int


def anneal(
    graph: Graph,
    strength: int,
    rows: Sequence[Row],
    *,
    schedule: CoolingSchedule,
    rng: np.random.Generator,
    expired: Callable[[], bool] = never,
) -> Annealed:
    """Change `rows` until they cover everything, the schedule is through, or `expired()` says so.

    Deterministic for the state of `rng`, as long as `expired` does not cut it short. The rows must respect the graph,
    and those that come back do.
    """
    current = [row.copy() for row in rows]
    size = len(graph.steps)
    worth = gains_for(graph, strength, current)
    sweep = _Sweep(worth, size, rng)
    constrained = any(graph.before)
    made = sweeps = 0
    uncovered = 1
    while uncovered and made < schedule.moves and not expired():
        if sweeps % SWEEPS_PER_TEMPERATURE == 0:
            sweep.cool(schedule.temperature(made))
        at = sweeps % len(current)
        if constrained and sweeps:
            current[at], uncovered = sweep.pull(graph, current[at], at, uncovered)
        worth.take_up(at)
        current[at] = sweep.reinsert_each(current[at])
        uncovered = worth.lay_down()
        made += size
        sweeps += 1
    return Annealed(tuple(current), uncovered, made)


class _Sweep:
    """Re-inserts every step of a row once, in random sequence."""

    def __init__(self, worth: RowGains, size: int, rng: np.random.Generator) -> None:
        self._worth = worth
        self._size = size
        self._rng = rng
        self._noise = np.zeros(NOISE + size * (size + 1))
        self._block = float(size)
        self._temperature = 1.0

    def cool(self, temperature: float) -> None:
        """Draw new noise: adding Gumbel noise and taking the largest draws from the heat bath."""
        self._temperature = temperature
        self._noise = self._rng.gumbel(scale=temperature, size=self._noise.shape)

    def pull(self, graph: Graph, row: Row, at: int, uncovered: int) -> tuple[Row, int]:
        """Let the row contain a missing sequence, by a Metropolis step; the row, and how many are uncovered then.

        Under precedence a sequence may need a whole chain of steps ahead, which single re-insertions do not find, as
        none of them gains anything before the last.
        """
        if not uncovered:
            return row, uncovered
        luck = self._rng.random(2)
        pulled = row_containing(graph, self._worth.missing(float(luck[0])), row)
        self._worth.take_up(at)
        self._worth.place(pulled)
        after = self._worth.lay_down()
        if luck[1] < np.exp(min(0.0, (uncovered - after) / self._temperature)):
            return pulled, after
        self._worth.take_up(at)
        self._worth.place(row)
        return row, self._worth.lay_down()

    def reinsert_each(self, row: Row) -> Row:
        events = self._rng.permutation(self._size)
        names = events.tolist()
        offsets = self._rng.integers(0, NOISE, size=self._size).tolist()
        order: list[int] = row.tolist()
        gaps = self._size + 1
        self._worth.place(row)
        done = 0
        while done < self._size:
            wide = self._size if self._worth.all_at_once else max(1, int(self._block))
            chunk = events[done : done + wide]
            drawn = self._worth.gains(chunk)
            start = offsets[done]
            drawn += self._noise[start : start + len(chunk) * gaps].reshape(-1, gaps)
            moved = _first_move(order, names[done : done + wide], drawn.argmax(axis=1).tolist())
            done += moved or len(chunk)
            if moved:
                row = np.array(order, dtype=np.int64)
                self._worth.place(row)
            # Blocks about as long as the stretches without a move: the rest of a block is thrown away.
            self._block += 0.02 * ((1.5 * moved if moved else 2.0 * len(chunk)) - self._block)
        return row


def _first_move(order: list[int], events: list[int], gaps: list[int]) -> int:
    """Carry out the first move that is one, in place; how many events that took, or 0 if none moves."""
    for count, (event, gap) in enumerate(zip(events, gaps, strict=True), start=1):
        at = order.index(event)
        if gap not in {at, at + 1}:
            del order[at]
            order.insert(gap if gap < at else gap - 1, event)
            return count
    return 0
