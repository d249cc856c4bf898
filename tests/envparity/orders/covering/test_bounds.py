"""Lower bounds: true on small graphs, and sharp on those whose answer is known."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envparity.orders.covering.bounds import lower_bound, width
from envparity.orders.covering.search import search
from envparity.orders.covering.verify import verify
from envparity.orders.extensions import linear_extensions
from envparity.orders.graph import Graph


def free(steps: int) -> Graph:
    return Graph.of({f"s{at}": () for at in range(steps)})


def standard_example(size: int) -> Graph:
    """Each b requires every a but its own: the partial order of dimension `size` (Dushnik and Miller)."""
    lower = {f"a{at}": () for at in range(size)}
    return Graph.of({**lower, **{f"b{at}": [f"a{i}" for i in range(size) if i != at] for at in range(size)}})


@pytest.mark.parametrize(
    ("graph", "dimension"),
    [
        (Graph.of({"a": (), "b": ("a",), "c": ("b",)}), 1),
        (free(6), 2),
        (standard_example(3), 3),
        (standard_example(4), 4),
        (standard_example(5), 5),
    ],
    ids=["chain", "unrelated", "S3", "S4", "S5"],
)
def test_the_dimension_is_certified_and_reached(graph: Graph, dimension: int) -> None:
    """The bound equals the known dimension, and the search finds so many orders."""
    assert lower_bound(graph, 2).rows == dimension
    found = search(graph, 2, moves=60_000, enough=dimension)
    assert len(found.orders) == dimension
    assert verify(graph, found.orders, 2).complete


@st.composite
def tiny_graphs(draw: st.DrawFn) -> Graph:
    names = [f"s{at}" for at in range(draw(st.integers(1, 5)))]
    return Graph.of({name: draw(st.sets(st.sampled_from(names[:at]))) if at else () for at, name in enumerate(names)})


@settings(deadline=None)
@given(tiny_graphs(), st.sampled_from([2, 3]))
def test_no_set_is_smaller_than_its_lower_bound(graph: Graph, strength: int) -> None:
    """Tried out: no combination of fewer orders covers (as far as there are few enough to try)."""
    bound = lower_bound(graph, strength).rows
    orders = list(linear_extensions(graph))
    fewer = bound - 1
    if fewer and (fewer <= 2 or len(orders) <= 8):
        assert not any(verify(graph, chosen, strength).complete for chosen in combinations(orders, fewer))


@pytest.mark.parametrize(("steps", "rows"), [(3, 6), (4, 6), (5, 7), (9, 7), (10, 9), (30, 9)])
def test_unrelated_steps_need_what_solvers_proved(steps: int, rows: int) -> None:
    """Strength 3: 6 for three, 7 from five on, 9 from ten on; never claimed where it is not proved."""
    bound = lower_bound(free(steps), 3)
    assert bound.rows == rows
    assert bound.reason


def test_four_unrelated_steps_need_all_their_orders_at_strength_four() -> None:
    """24, and the reason says so."""
    assert lower_bound(free(6), 4).rows == 24
    assert "24 orders" in lower_bound(free(6), 4).reason


def test_the_width_is_the_largest_antichain() -> None:
    """A comb: five free teeth on a spine of five, of which one more is unrelated to none of them."""
    comb = {f"spine{at}": (f"spine{at - 1}",) if at else () for at in range(5)}
    teeth = {f"tooth{at}": (f"spine{at}",) for at in range(5)}
    assert width(Graph.of({**comb, **teeth})) == 5
    assert width(standard_example(4)) == 4
    assert width(Graph.of({})) == 0
