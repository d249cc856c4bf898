"""Linear extensions: counted, iterated and sampled, each checked against brute force."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from math import factorial, prod
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.orders.extensions import (
    DownSetLimitError,
    UniformExtensions,
    count_extensions,
    extension_by_priorities,
    linear_extensions,
)
from envparity.orders.graph import Graph

LADDER = Graph.of({"a": (), "b": ("a",), "c": ("a",), "d": ("b",), "e": ("c",), "f": ("a",), "g": ("d", "e")})
"""36 orders; choosing evenly among ready steps would draw some of them four times as often as others."""


@st.composite
def small_graphs(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(0, 5))
    return Graph.of(
        {f"s{at}": draw(st.sets(st.sampled_from([f"s{i}" for i in range(at)]))) if at else () for at in range(size)}
    )


def seeded(seed: int) -> Random:
    """The same draws every time, so that a statistic cannot fail by chance."""
    return Random(seed)  # noqa: S311 - statistics, not secrets


def chi_square(graph: Graph, draws: Counter[tuple[str, ...]]) -> float:
    """The statistic divided by its degrees of freedom: near 1 for a uniform sampler."""
    orders = list(linear_extensions(graph))
    expected = draws.total() / len(orders)
    return sum((draws[order] - expected) ** 2 / expected for order in orders) / (len(orders) - 1)


@given(small_graphs())
def test_iteration_gives_every_legal_order_once_with_the_canonical_one_first(graph: Graph) -> None:
    """Exactly the permutations that the graph allows."""
    orders = list(linear_extensions(graph))
    assert orders[0] == graph.canonical
    assert sorted(orders) == sorted(order for order in permutations(graph.names) if graph.allows(order))


@given(small_graphs())
def test_the_count_is_the_number_of_orders(graph: Graph) -> None:
    """Counted over down-sets, checked by counting one by one."""
    assert count_extensions(graph) == sum(1 for _ in linear_extensions(graph))


def test_counts_of_larger_graphs_follow_their_formulas() -> None:
    """25 unrelated steps: 25!. A tree: n! over the product of the sizes of its subtrees (Knuth, TAOCP 5.1.4)."""
    assert count_extensions(Graph.of({f"s{at}": () for at in range(25)})) == factorial(25)
    tree = Graph.of({f"s{at}": (f"s{(at - 1) // 2}",) if at else () for at in range(15)})
    assert count_extensions(tree) == factorial(15) // prod([15, 7, 7, 3, 3, 3, 3])


def test_a_graph_beyond_counting_is_refused_with_a_reason() -> None:
    """The error says how large the part is, what the limit was, and what to do instead."""
    wide = Graph.of({"root": (), **{f"s{at}": ("root",) for at in range(12)}})
    with pytest.raises(DownSetLimitError, match=r"13 steps has more than 1000 down-sets.*random priorities"):
        count_extensions(wide, limit=1000)


def test_the_exact_sampler_is_uniform() -> None:
    """Every order of a graph with 36 appears as often as any other; every draw is legal."""
    uniform, random = UniformExtensions(LADDER), seeded(7)
    draws = Counter(uniform.sample(random) for _ in range(7200))
    assert chi_square(LADDER, draws) < 1.5


def test_the_exact_sampler_interleaves_unconnected_parts_evenly() -> None:
    """Two chains: every interleaving is as likely as every other."""
    chains = Graph.of({"a": (), "b": ("a",), "c": ("b",), "x": (), "y": ("x",)})
    uniform, random = UniformExtensions(chains), seeded(3)
    draws = Counter(uniform.sample(random) for _ in range(3000))
    assert len(draws) == uniform.count == 10
    assert chi_square(chains, draws) < 2


def test_random_priorities_leave_no_order_out() -> None:
    """Far from uniform on two chains beside a step, yet every order comes up: at least a fortieth of its even share."""
    random = seeded(11)
    draws = Counter(extension_by_priorities(LADDER, random) for _ in range(7200))
    assert set(draws) == set(linear_extensions(LADDER))
    assert min(draws.values()) * 40 > 7200 / 36


def test_random_priorities_do_not_halve_with_every_step_of_a_chain() -> None:
    """A free step comes after all ten steps of a chain in one order of eleven, where even choices would say 2^-10."""
    chain = Graph.of({"free": (), "s0": (), **{f"s{at}": (f"s{at - 1}",) for at in range(1, 10)}})
    random = seeded(2)
    last = sum(extension_by_priorities(chain, random)[-1] == "free" for _ in range(3300))
    assert 250 < last < 350


def test_random_priorities_are_uniform_on_unrelated_steps() -> None:
    """Where nothing is required, every permutation is as likely as every other."""
    free = Graph.of({"a": (), "b": (), "c": (), "d": ()})
    random = seeded(5)
    assert chi_square(free, Counter(extension_by_priorities(free, random) for _ in range(4800))) < 1.6


def test_random_priorities_serve_graphs_beyond_counting() -> None:
    """A hundred steps, sixty of them free: legal orders, and different ones."""
    graph = Graph.of({f"s{at:03}": (f"s{at - 60:03}",) if at >= 60 else () for at in range(100)})
    random = seeded(1)
    orders = {extension_by_priorities(graph, random) for _ in range(20)}
    assert len(orders) == 20
    assert all(graph.allows(order) for order in orders)
