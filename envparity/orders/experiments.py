"""Which boots show that the verdict does not depend on the order: of initialisation, and of the dependencies. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envparity.model.case import BACKEND, Boot
from envparity.orders.graph import Graph

if TYPE_CHECKING:
    from envparity.orders.covering import CoveringSet

__all__ = ["MOST_PERMUTED", "OrderBoots", "forbidden_orders", "order_boots", "timelines"]

MOST_PERMUTED = 5
"""Up to so many dependencies come in every order; more come in a covering set of strength 3."""


@dataclass(frozen=True)
class OrderBoots:
    """The canonical boot, with which all others are compared, and the others by what they are for.

    Where the backend cannot be asked for an order there is no `covering`, and `canonical` is the environment's usual
    boot, which every run has anyway: it is not among `all`.
    """

    canonical: Boot
    orders: tuple[Boot, ...]
    forbidden: tuple[Boot, ...]
    timelines: tuple[Boot, ...]
    covering: CoveringSet | None

    @property
    def all(self) -> tuple[Boot, ...]:
        """What to boot, each way once."""
        canonical = () if self.canonical.steady else (self.canonical,)
        return (*canonical, *self.orders, *self.forbidden, *self.timelines)

    def __str__(self) -> str:
        dependencies = f"{len(self.timelines)} of the dependencies"
        if self.covering is None:
            return f"no order of initialisation, for the backend cannot be asked for one; {dependencies}"
        return (
            f"{len(self.covering.orders)} orders of strength {self.covering.strength}, {self.covering}; "
            f"{len(self.forbidden)} that are forbidden, {dependencies}"
        )


def order_boots(
    graph: Graph, dependencies: Sequence[str], *, strength: int, cache: Path | None = None, orderable: bool = True
) -> OrderBoots:
    """The boots that cover every order of every `strength` steps, and every order of the dependencies.

    `cache` is a folder for covering sets that had to be searched for. Without `orderable` the backend cannot be asked
    for an order, and only its dependencies' orders are left.
    """
    covering = _covering_set(graph, strength, cache) if orderable else None
    ordered = [order for order in covering.orders if order != graph.canonical] if covering is not None else []
    return OrderBoots(
        canonical=Boot(order=graph.canonical) if orderable else Boot(),
        orders=tuple(Boot(order=order) for order in ordered),
        forbidden=tuple(Boot(order=order) for order in dict.fromkeys(forbidden_orders(graph))) if orderable else (),
        timelines=tuple(Boot(timeline=timeline) for timeline in dict.fromkeys(timelines(dependencies))),
        covering=covering,
    )


def forbidden_orders(graph: Graph) -> Iterator[tuple[str, ...]]:
    """Orders that no backend may accept: a step before one that it requires, an unknown step, a step named twice.

    In a small graph some may be the same.
    """
    canonical = graph.canonical
    edges = [(step.name, needed) for step in graph.reduced.steps for needed in step.requires]
    for step, needed in [edges[0], edges[len(edges) // 2]] if edges else []:
        at = canonical.index(needed)
        rest = [name for name in canonical if name != step]
        yield (*rest[:at], step, *rest[at:])
    if edges:
        yield canonical[::-1]
    yield (*canonical, "no_such_step")
    yield (*canonical, canonical[-1])


def timelines(dependencies: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every order in which dependencies and backend come, and each dependency coming, going and coming back.

    A dependency goes again while the backend still waits for another one, where there is another one. None where
    there are no dependencies.
    """
    if not dependencies:
        return
    events = (*sorted(dependencies), BACKEND)
    if len(dependencies) <= MOST_PERMUTED:
        yield from itertools.permutations(events)
    else:
        free = Graph.of(dict.fromkeys(events, ()))
        yield from _covering_set(free, 3).orders
    for name in sorted(dependencies):
        others = [other for other in sorted(dependencies) if other != name]
        yield (BACKEND, name, f"-{name}", *others, name)


def _covering_set(graph: Graph, strength: int, cache: Path | None = None) -> CoveringSet:
    from envparity.orders.covering import covering_set  # loads NumPy

    return covering_set(graph, strength, cache=cache)
