"""Sequences of t steps, numbered: which of them a graph allows, and which of them an order contains.

The sequence (a, b, c) of step indices in a graph of n steps has the code (a·n + b)·n + c.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from envparity.orders.graph import Graph

__all__ = ["STRENGTHS", "Codes", "SequenceCodes", "orders_as_rows", "precedence", "row_containing", "rows_as_orders"]

STRENGTHS = (2, 3, 4)

Codes = NDArray[np.int64]


def precedence(graph: Graph) -> NDArray[np.bool_]:
    """The transitive closure as a matrix (n, n): [a, b] says that a must precede b."""
    size = len(graph.steps)
    matrix = np.zeros((size, size), dtype=np.bool_)
    for at, mask in enumerate(graph.after):
        for later in range(size):
            matrix[at, later] = bool(mask >> later & 1)
    return matrix


class SequenceCodes:
    """Codes of the sequences of `strength` distinct steps of a graph."""

    def __init__(self, graph: Graph, strength: int) -> None:
        if strength not in STRENGTHS:
            raise ValueError(f"strength must be one of {STRENGTHS}, not {strength}")
        self.size = len(graph.steps)
        self.strength = strength
        self._forced = precedence(graph)
        places = np.array(list(combinations(range(self.size), strength)), dtype=np.int64)
        self._places = np.ascontiguousarray(places.reshape(-1, strength).T)
        self._weights = [self.size ** (strength - 1 - at) for at in range(strength)]

    @property
    def space(self) -> int:
        """How many codes there are, feasible or not: n^t."""
        return int(self.size**self.strength)

    def feasible(self) -> NDArray[np.bool_]:
        """For each code whether some linear extension contains its sequence.

        A sequence can be extended to a linear extension exactly if no member must precede an earlier one.
        """
        size, strength = self.size, self.strength
        fits = ~self._forced.T & ~np.eye(size, dtype=np.bool_)
        table = np.ones((size,) * strength, dtype=np.bool_)
        for first, second in combinations(range(strength), 2):
            shape = [1] * strength
            shape[first] = shape[second] = size
            table &= fits.reshape(shape)
        return table.ravel()

    def of_row(self, row: NDArray[np.int64]) -> Codes:
        """The codes of all sequences that a row contains: C(n, t) of them, each once."""
        codes: Codes = row[self._places[0]] * self._weights[0]
        for places, weight in zip(self._places[1:], self._weights[1:], strict=True):
            codes += row[places] * weight
        return codes

    def members(self, codes: Codes) -> NDArray[np.int64]:
        """The steps of each sequence, as an array (t, number of codes)."""
        return np.stack([codes // weight % self.size for weight in self._weights])


def row_containing(graph: Graph, sequence: Sequence[int], row: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row that contains a feasible sequence after the fewest steps of `row` have run ahead.

    What must precede the members of the sequence before it, and they themselves, are pulled in front of each member.
    """
    order: list[int] = row.tolist()
    needed = 0
    for step in sequence:
        at = order.index(step)
        late = [other for other in order[at + 1 :] if needed >> other & 1]
        if late:
            order = [*order[:at], *late, step, *(other for other in order[at + 1 :] if not needed >> other & 1)]
        needed |= graph.before[step] | 1 << step
    return np.array(order, dtype=np.int64)


def rows_as_orders(graph: Graph, rows: Sequence[NDArray[np.int64]]) -> tuple[tuple[str, ...], ...]:
    """Rows of step indices as orders of names."""
    return tuple(tuple(graph.names[at] for at in row.tolist()) for row in rows)


def orders_as_rows(graph: Graph, orders: Sequence[Sequence[str]]) -> list[NDArray[np.int64]]:
    """Orders of names as rows of step indices."""
    return [np.array([graph.index[name] for name in order], dtype=np.int64) for order in orders]
