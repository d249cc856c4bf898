"""What a row of a covering set is worth at every place to which one of its steps could move.

The local search takes one row up, asks for the gains of all gaps again and again while it re-inserts that row's steps,
and lays the row down. Two ways to compute them, which agree (the tests compare them):

- `TripleGains`, strength 3 and up to 64 steps, on bit masks: for each pair (a, b) one 64-bit word of the steps c for
  which the other rows leave (a, b, c) uncovered. When step e passes step x, only triples in which e and x are
  neighbours change, so four words per pair (e, x), cut to what stands before and after x, give the difference.
- `SequenceGains`, any strength and size, on the list of the sequences that no other row covers, which is short near
  a solution.

A gap g of a row is the place before its g-th step; gap n is its end. The gains of one step are relative to one another
only. A gap that the graph forbids has a gain lower by `FORBIDDEN`, or a multiple of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envparity.orders.covering.tuples import SequenceCodes, precedence
from envparity.orders.graph import Graph

__all__ = ["FORBIDDEN", "RowGains", "SequenceGains", "TripleGains", "gains_for", "missing_gains"]

FORBIDDEN = 1_000_000.0

Row = NDArray[np.int64]
Words = NDArray[np.uint64]


class RowGains(Protocol):
    """The coverage of a fixed number of rows, of which one at a time is taken up and changed."""

    all_at_once: bool
    """Whether the gains of all steps cost no more than those of one."""

    def take_up(self, at: int) -> None:
        """Take up the row `at`: from now on only the other rows cover."""

    def place(self, row: Row) -> None:
        """Let the row that was taken up stand so. `row` is not kept."""

    def gains(self, events: Row) -> NDArray[np.float64]:
        """For each of the steps `events` and each gap of the placed row, the gain: an array (events, n + 1)."""

    def lay_down(self) -> int:
        """Put the row down as it was last placed; the number of sequences that no row covers."""

    def missing(self, luck: float) -> list[int]:
        """One of the sequences that no row covers, after a row was laid down: `luck` in [0, 1) says which."""


def gains_for(graph: Graph, strength: int, rows: Sequence[Row]) -> RowGains:
    """The faster way for this graph and strength."""
    if strength == 3 and len(graph.steps) <= 64:
        return TripleGains(graph, rows)
    return SequenceGains(graph, strength, rows)


class TripleGains:
    """Gains at strength 3 from bit masks, for up to 64 steps.

    `_held[r, 0, a, b]` is the word of the steps after b in row r if a precedes b there, else 0;
    `_held[r, 1, b, c]` the word of the steps before b if b precedes c.
    """

    all_at_once = False

    def __init__(self, graph: Graph, rows: Sequence[Row]) -> None:
        size = len(graph.steps)
        self._size = size
        self._bits: Words = np.uint64(1) << np.arange(size, dtype=np.uint64)
        self._others: Words = np.bitwise_or.reduce(self._bits) ^ self._bits
        self._wanted = self._feasible_words(graph)
        forced = precedence(graph)
        self._toll = forced.T * FORBIDDEN - forced * FORBIDDEN if forced.any() else None
        self._held = np.zeros((len(rows), 2, size, size), dtype=np.uint64)
        self._open: Words = np.zeros_like(self._wanted)
        self._passing: Words = np.zeros((size, 2, 2, size), dtype=np.uint64)
        self._sides: Words = np.zeros((2, 1, size), dtype=np.uint64)
        self._at = 0
        self._row = np.arange(size)
        for at, row in enumerate(rows):
            self._at = at
            self.place(row)
            self._hold()

    def _feasible_words(self, graph: Graph) -> Words:
        table = SequenceCodes(graph, 3).feasible().reshape((self._size,) * 3)
        last = (table * self._bits).sum(axis=2, dtype=np.uint64)
        first = (table.transpose(1, 2, 0) * self._bits).sum(axis=2, dtype=np.uint64)
        return np.stack([last, first])

    def take_up(self, at: int) -> None:
        self._at = at
        self._held[at] = 0
        np.bitwise_or.reduce(self._held, axis=0, out=self._open)
        np.bitwise_not(self._open, out=self._open)
        self._open &= self._wanted
        # [e, 0] is cut to the steps after x and [e, 1] to those before; [.., 0] is won when e passes x, [.., 1] lost.
        last, first = self._open
        self._passing[:, 0, 0] = last.T
        self._passing[:, 0, 1] = last
        self._passing[:, 1, 0] = first.T
        self._passing[:, 1, 1] = first

    def place(self, row: Row) -> None:
        bits = self._bits.take(row)
        before = np.bitwise_or.accumulate(bits)
        before ^= bits
        self._sides[1, 0, row] = before
        np.bitwise_xor(self._others, self._sides[1, 0], out=self._sides[0, 0])
        self._row = row

    def gains(self, events: Row) -> NDArray[np.float64]:
        words = self._passing.take(events, axis=0)
        words &= self._sides
        counts = np.bitwise_count(words[:, 0] | words[:, 1]).view(np.int8)
        passed = counts[:, 0] - counts[:, 1]
        if self._toll is not None:
            passed = passed + self._toll.take(events, axis=0)
        gains = np.zeros((len(events), self._size + 1))
        passed.take(self._row, axis=1).cumsum(axis=1, out=gains[:, 1:])
        return gains

    def lay_down(self) -> int:
        self._hold()
        return int(np.bitwise_count(self._open[0] & ~self._held[self._at, 0]).sum())

    def missing(self, luck: float) -> list[int]:
        words = self._open[0] & ~self._held[self._at, 0]
        pairs = np.argwhere(words)
        first, second = pairs[int(luck * len(pairs))].tolist()
        return [first, second, int(words[first, second]).bit_length() - 1]

    def _hold(self) -> None:
        place = np.empty(self._size, dtype=np.int64)
        place[self._row] = np.arange(self._size)
        precedes = place[:, None] < place
        after, before = self._sides[0], self._sides[1].reshape(-1, 1)
        self._held[self._at, 0] = np.where(precedes, after, 0)
        self._held[self._at, 1] = np.where(precedes, before, 0)


class SequenceGains:
    """Gains at any strength from the sequences that no other row covers."""

    all_at_once = True

    def __init__(self, graph: Graph, strength: int, rows: Sequence[Row]) -> None:
        self._size = len(graph.steps)
        self._strength = strength
        self._codes = SequenceCodes(graph, strength)
        # What is not feasible counts as covered from the start.
        self._covered = (~self._codes.feasible()).astype(np.uint16)
        self._row_codes = [self._codes.of_row(row) for row in rows]
        for codes in self._row_codes:
            self._covered[codes] += 1
        self._forced = precedence(graph)
        self._at = 0
        self._row = np.arange(self._size)
        self._position = np.arange(self._size)
        self._missing = np.zeros((strength, 0), dtype=np.int64)
        self._table: NDArray[np.float64] | None = None

    def take_up(self, at: int) -> None:
        self._at = at
        self._covered[self._row_codes[at]] -= 1
        self._missing = self._codes.members(np.flatnonzero(self._covered == 0))

    def place(self, row: Row) -> None:
        self._row = row
        self._position = np.empty(self._size, dtype=np.int64)
        self._position[row] = np.arange(self._size)
        self._table = None

    def gains(self, events: Row) -> NDArray[np.float64]:
        if self._table is None:
            self._table = missing_gains(self._missing, self._position, self._forced)
        return self._table.take(events, axis=0)

    def lay_down(self) -> int:
        places = self._position[self._missing]
        won = np.logical_and.reduce(places[:-1] < places[1:])
        codes = self._codes.of_row(self._row)
        self._covered[codes] += 1
        self._row_codes[self._at] = codes
        self._missing = self._missing[:, ~won]
        return self._missing.shape[1]

    def missing(self, luck: float) -> list[int]:
        found: list[int] = self._missing[:, int(luck * self._missing.shape[1])].tolist()
        return found


def missing_gains(missing: Row, position: Row, forced: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The gains (steps, gaps) of a row by the sequences that are missing.

    `missing` holds the sequences, (t, m); `position` where each step stands; `forced` the closure of the graph. A
    missing sequence is won wherever one member falls between its neighbours while the others already stand right.
    """
    strength, size = len(missing), len(position)
    width = size + 2
    places = position[missing]
    follows = places[:-1] < places[1:]
    skips = places[:-2] < places[2:]
    opens, closes = [], []
    for at in range(strength):
        right = [follows[pair] for pair in range(strength - 1) if pair not in {at - 1, at}]
        if 0 < at < strength - 1:
            right.append(skips[at - 1])
        chosen = np.logical_and.reduce(right) if right else np.ones(places.shape[1], dtype=np.bool_)
        start = missing[at][chosen] * width
        opens.append(start + places[at - 1][chosen] + 1 if at else start)
        closes.append(start + (places[at + 1][chosen] + 1 if at < strength - 1 else size + 1))
    steps = np.bincount(np.concatenate(opens), minlength=size * width)
    steps -= np.bincount(np.concatenate(closes), minlength=size * width)
    gains = steps.reshape(size, width).cumsum(axis=1)[:, : size + 1].astype(np.float64)
    gaps = np.arange(size + 1)
    earliest = np.where(forced.T, position + 1, 0).max(axis=1)
    latest = np.where(forced, position, size).min(axis=1)
    gains[(gaps < earliest[:, None]) | (gaps > latest[:, None])] -= FORBIDDEN
    return gains
