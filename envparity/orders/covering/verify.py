"""Proof that a set of orders covers, found on another way than the one on which the set was built.

Nothing here is shared with the builder: no codes, no bit masks, no numpy, and the closure is worked out again. Every
sequence is a tuple of names that is looked up in a set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from envparity.orders.graph import Graph

__all__ = ["Coverage", "verify"]

SHOWN = 5


@dataclass(frozen=True)
class Coverage:
    """How much a set of orders covers. `missing` and `illegal` show the first few of what is wrong."""

    strength: int
    orders: int
    covered: int
    feasible: int
    missing: tuple[tuple[str, ...], ...] = ()
    illegal: tuple[tuple[str, ...], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every order is legal and every feasible sequence occurs."""
        return self.covered == self.feasible and not self.illegal

    def __str__(self) -> str:
        text = f"{self.orders} orders cover {self.covered}/{self.feasible} sequences of {self.strength} steps"
        return f"{text}; {len(self.illegal)} or more are illegal" if self.illegal else text


def verify(graph: Graph, orders: Sequence[Sequence[str]], strength: int) -> Coverage:
    """Count the feasible sequences of `strength` distinct steps, and those that occur in a legal order of `orders`.

    A sequence is feasible if the graph allows an order that contains it. Orders that the graph forbids cover nothing.
    """
    ancestors = _ancestors(graph)
    illegal = [tuple(order) for order in orders if not _is_legal(order, ancestors)]
    legal = [order for order in orders if tuple(order) not in illegal]
    seen = {sequence for order in legal for sequence in combinations(order, strength)}
    feasible = covered = 0
    missing: list[tuple[str, ...]] = []
    for sequence in _feasible(ancestors, strength):
        feasible += 1
        if sequence in seen:
            covered += 1
        elif len(missing) < SHOWN:
            missing.append(sequence)
    return Coverage(strength, len(orders), covered, feasible, tuple(missing), tuple(illegal[:SHOWN]))


def _ancestors(graph: Graph) -> dict[str, set[str]]:
    """For each step all that must precede it, by going back along the requirements from each."""
    requires = {step.name: step.requires for step in graph.steps}
    found: dict[str, set[str]] = {}
    for name, direct in requires.items():
        ancestors: set[str] = set()
        pending = list(direct)
        while pending:
            earlier = pending.pop()
            if earlier not in ancestors:
                ancestors.add(earlier)
                pending += requires[earlier]
        found[name] = ancestors
    return found


def _is_legal(order: Sequence[str], ancestors: dict[str, set[str]]) -> bool:
    done: set[str] = set()
    for name in order:
        if name in done or name not in ancestors or not ancestors[name] <= done:
            return False
        done.add(name)
    return len(done) == len(ancestors)


def _feasible(ancestors: dict[str, set[str]], strength: int) -> Iterator[tuple[str, ...]]:
    """Every sequence in which no step must precede an earlier one; such a sequence extends to an order."""
    for chosen in combinations(ancestors, strength):
        bound = [(chosen.index(before), at) for at, name in enumerate(chosen) for before in ancestors[name] & {*chosen}]
        for places in permutations(range(strength)):
            if all(places[before] < places[after] for before, after in bound):
                sequence = [""] * strength
                for name, place in zip(chosen, places, strict=True):
                    sequence[place] = name
                yield tuple(sequence)
