"""Covering sets one row at a time: quick, always complete, and far from small.

Each row is the best of a few candidates, made better by moving single steps while that covers more. Among the
candidates are the reverse of the row before, as far as the graph allows, and a row made to contain a sequence that is
still missing, so that every row covers something new.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envparity.orders.covering.gains import missing_gains
from envparity.orders.covering.tuples import SequenceCodes, precedence, row_containing
from envparity.orders.extensions import extension_of_priorities
from envparity.orders.graph import Graph

__all__ = ["greedy_rows"]

Row = NDArray[np.int64]

CANDIDATES = 10
CLIMB_AT_MOST = 8_000
"""Rows are improved while at most so many sequences are missing; before that almost every row is as good as another."""


def greedy_rows(graph: Graph, strength: int, rng: np.random.Generator) -> list[Row]:
    """Rows that cover every feasible sequence of `strength` steps. Deterministic for the state of `rng`."""
    codes = SequenceCodes(graph, strength)
    missing = codes.feasible()
    forced = precedence(graph)
    rows: list[Row] = []
    while True:
        left = np.flatnonzero(missing)
        if not len(left) and rows:
            return rows
        candidates = _candidates(graph, rows, rng)
        if len(left):
            wanted = codes.members(left[rng.integers(0, len(left), size=1)])[:, 0].tolist()
            candidates.append(row_containing(graph, wanted, candidates[0]))
        row = max(candidates, key=lambda candidate: int(missing[codes.of_row(candidate)].sum()))
        if len(left) <= CLIMB_AT_MOST:
            row = _climb(row, codes.members(left), forced)
        missing[codes.of_row(row)] = False
        rows.append(row)


def _candidates(graph: Graph, rows: list[Row], rng: np.random.Generator) -> list[Row]:
    found = [rng.random(len(graph.steps)).tolist() for _ in range(CANDIDATES)]
    if rows:
        reverse = np.empty(len(graph.steps))
        reverse[rows[-1]] = -np.arange(len(graph.steps))
        found.append(reverse.tolist())
    return [np.array(extension_of_priorities(graph, priorities), dtype=np.int64) for priorities in found]


def _climb(row: Row, missing: NDArray[np.int64], forced: NDArray[np.bool_]) -> Row:
    """Move single steps while a move covers more of the missing sequences."""
    size = len(row)
    steps = np.arange(size)
    while missing.shape[1]:
        position = np.empty(size, dtype=np.int64)
        position[row] = steps
        gains = missing_gains(missing, position, forced)
        gains -= gains[steps, position][:, None]
        best = int(gains.argmax())
        step, gap = divmod(best, size + 1)
        if gains[step, gap] <= 0:
            break
        at = int(position[step])
        row = np.insert(np.delete(row, at), gap if gap < at else gap - 1, step)
    return row
