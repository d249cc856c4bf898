"""A Hypothesis strategy for initialisation orders.

Kept apart from the rest of `envparity.orders`, so that only those who explore import Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from envparity.orders.extensions import (
    DOWN_SETS_LIMIT,
    DownSetLimitError,
    UniformExtensions,
    extension_of_priorities,
)
from envparity.orders.graph import Graph

__all__ = ["init_orders"]

TICKET_BYTES = 3
TICKETS = 256**TICKET_BYTES

Draw = Callable[[st.SearchStrategy[bytes]], bytes]


def init_orders(graph: Graph, *, down_sets_limit: int = DOWN_SETS_LIMIT) -> st.SearchStrategy[tuple[str, ...]]:
    """Linear extensions of `graph`, near to uniform, as tuples of names.

    Where the graph has at most `down_sets_limit` down-sets, every order is drawn with the same probability, to within
    10^-4 or so; otherwise random priorities are drawn, which is less even (see `envparity.orders.extensions`).

    Shrinks towards the canonical order, to ever fewer pairs of steps in the other sequence than there: what is left of
    a failing order is the canonical order, but for what must stand elsewhere for it to fail.
    """
    try:
        uniform = UniformExtensions(graph, down_sets_limit)
    except DownSetLimitError:
        return _orders(graph, None)
    return _orders(graph, uniform)


@st.composite
def _orders(draw: Draw, graph: Graph, uniform: UniformExtensions | None) -> tuple[str, ...]:
    """A random order; once it shrinks, the canonical order with some steps ahead of their place.

    A ticket for each step is drawn beside the random order. As long as no ticket is small (one in a million is) the
    random order is the example. Otherwise every step runs at its place in the canonical order, unless it wishes for an
    earlier one: as many places earlier as its ticket says, if that is small; else before the first of those that the
    random order has it overtake. Wishes only ever go ahead, so that each can shrink without regard to the others.

    All is drawn as one string of bytes: Hypothesis draws that evenly, whereas it prefers small and well-known integers,
    and copies one of several draws over the others.
    """
    size = len(graph.steps)
    luck = draw(st.binary(min_size=2 * TICKET_BYTES * size, max_size=2 * TICKET_BYTES * size))
    drawn = [int.from_bytes(luck[at : at + TICKET_BYTES]) for at in range(0, len(luck), TICKET_BYTES)]
    tickets, shares = drawn[:size], drawn[size:]
    order = extension_of_priorities(graph, shares) if uniform is None else _order_of(uniform, shares)
    if any(ticket < size for ticket in tickets):
        place = {step: at for at, step in enumerate(order)}
        wishes = [0.0] * size
        for rank, (step, ticket) in enumerate(zip(graph.canonical_indices, tickets, strict=True)):
            overtaken = (at for at, other in enumerate(graph.canonical_indices[:rank]) if place[other] > place[step])
            first = rank - ticket if ticket < size else next(overtaken, rank)
            wishes[step] = first - 0.5 if first < rank else rank
        order = extension_of_priorities(graph, wishes)
    return tuple(graph.names[at] for at in order)


def _order_of(uniform: UniformExtensions, shares: Sequence[int]) -> list[int]:
    """The order in which each next step is the one that its share of `TICKETS` falls on."""
    order: list[int] = []
    done = 0
    for share in shares:
        choices = uniform.weights(done)
        left = share * sum(weight for _, weight in choices) // TICKETS
        for at, weight in choices:  # noqa: B007 - the step at which the share is used up is the one drawn
            left -= weight
            if left < 0:
                break
        order.append(at)
        done |= 1 << at
    return order
