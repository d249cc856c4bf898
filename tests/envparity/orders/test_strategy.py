"""The Hypothesis strategy: legal, near to uniform, and shrinking to what matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations, permutations

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from envparity.orders.extensions import linear_extensions
from envparity.orders.graph import Graph
from envparity.orders.strategy import init_orders

LADDER = Graph.of({"a": (), "b": ("a",), "c": ("a",), "d": ("b",), "e": ("c",), "f": ("a",), "g": ("d", "e")})
BUSHES = Graph.of(
    {
        "settings": (),
        **dict.fromkeys(("a", "b", "c", "d", "e", "f"), ("settings",)),
        **{f"{name}2": (name,) for name in ("a", "b", "c", "d", "e", "f")},
        "last": ("a2", "b2", "c2", "d2", "e2", "f2"),
    }
)

FIXED = settings(derandomize=True, database=None, max_examples=2000, suppress_health_check=list(HealthCheck))


def inversions(graph: Graph, order: tuple[str, ...]) -> int:
    """How many pairs of steps stand in the other sequence than in the canonical order."""
    place = {name: at for at, name in enumerate(graph.canonical)}
    return sum(place[first] > place[second] for first, second in combinations(order, 2))


def shrunk(graph: Graph, fails: Callable[[tuple[str, ...]], bool], down_sets: int = 10_000) -> tuple[str, ...]:
    return find(init_orders(graph, down_sets_limit=down_sets), fails, settings=FIXED)


@pytest.mark.parametrize("down_sets", [10_000, 1], ids=["uniform", "priorities"])
def test_every_example_is_an_order_that_the_graph_allows(down_sets: int) -> None:
    """With exact weights and with random priorities."""

    @settings(derandomize=True, database=None)
    @given(init_orders(BUSHES, down_sets_limit=down_sets))
    def legal(order: tuple[str, ...]) -> None:
        assert BUSHES.allows(order)

    legal()


def test_examples_are_as_good_as_uniform() -> None:
    """Over the 36 orders of a graph: chi-square per degree of freedom near 1.

    Hypothesis repeats and mutates examples in its other phases, so only fresh ones are counted.
    """
    draws: Counter[tuple[str, ...]] = Counter()

    @settings(
        derandomize=True,
        database=None,
        max_examples=1080,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def collect(data: st.DataObject) -> None:
        draws[data.draw(init_orders(LADDER))] += 1

    collect()
    orders = list(linear_extensions(LADDER))
    expected = draws.total() / len(orders)
    statistic = sum((draws[order] - expected) ** 2 / expected for order in orders) / (len(orders) - 1)
    assert statistic < 1.7


@pytest.mark.parametrize("down_sets", [10_000, 1], ids=["uniform", "priorities"])
def test_what_always_fails_shrinks_to_the_canonical_order(down_sets: int) -> None:
    """With exact weights and with random priorities."""
    assert shrunk(BUSHES, lambda _: True, down_sets) == BUSHES.canonical


def test_a_pair_that_matters_is_all_that_is_left_of_a_failing_order() -> None:
    """For every pair that is not so in the canonical order: no legal order in which it is so is nearer to that one."""
    orders = list(linear_extensions(LADDER))
    for first, second in permutations(LADDER.names, 2):
        failing = [order for order in orders if order.index(first) < order.index(second)]
        if failing and LADDER.canonical not in failing:
            order = shrunk(LADDER, failing.__contains__)
            assert inversions(LADDER, order) == min(inversions(LADDER, failing_order) for failing_order in failing), (
                first,
                second,
            )


def test_steps_that_must_move_along_are_moved_and_no_others() -> None:
    """`e2` before `b` takes `e` along; all else stands as in the canonical order."""
    order = shrunk(BUSHES, lambda o: o.index("e2") < o.index("b"))
    rest = tuple(name for name in order if name not in {"e", "e2"})
    assert rest == tuple(name for name in BUSHES.canonical if name not in {"e", "e2"})
    assert order.index("b") == order.index("e2") + 1
