"""Covering sets as they are built: complete, legal, deterministic, within the budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envparity.orders.covering.anneal import CoolingSchedule, anneal
from envparity.orders.covering.gains import FORBIDDEN, SequenceGains, TripleGains
from envparity.orders.covering.greedy import greedy_rows
from envparity.orders.covering.search import search
from envparity.orders.covering.tuples import SequenceCodes, orders_as_rows, row_containing, rows_as_orders
from envparity.orders.covering.verify import verify
from envparity.orders.extensions import extension_of_priorities
from envparity.orders.graph import Graph


@st.composite
def small_graphs(draw: st.DrawFn, least: int = 0) -> Graph:
    size = draw(st.integers(least, 6))
    names = [f"s{at}" for at in range(size)]
    return Graph.of({name: draw(st.sets(st.sampled_from(names[:at]))) if at else () for at, name in enumerate(names)})


def random_rows(graph: Graph, count: int, seed: int) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    rng = np.random.default_rng(seed)
    return [np.array(extension_of_priorities(graph, rng.random(len(graph.steps)).tolist())) for _ in range(count)]


def free(steps: int) -> Graph:
    return Graph.of({f"s{at}": () for at in range(steps)})


@settings(deadline=None)
@given(small_graphs(), st.sampled_from([2, 3, 4]), st.integers(0, 5))
def test_greedy_covers_every_graph_at_every_strength(graph: Graph, strength: int, seed: int) -> None:
    """Whatever the graph, down to none at all: the verifier finds nothing missing and nothing illegal."""
    rows = greedy_rows(graph, strength, np.random.default_rng(seed))
    assert rows
    assert verify(graph, rows_as_orders(graph, rows), strength).complete


@given(small_graphs(least=2), st.integers(0, 10_000), st.integers(0, 3))
def test_every_feasible_sequence_can_be_put_into_a_row(graph: Graph, pick: int, seed: int) -> None:
    """A row made to contain a feasible sequence is legal and contains it."""
    codes = SequenceCodes(graph, 2)
    feasible = np.flatnonzero(codes.feasible())
    sequence = codes.members(feasible[[pick % len(feasible)]])[:, 0].tolist()
    row = row_containing(graph, sequence, random_rows(graph, 1, seed)[0])
    assert graph.allows(rows_as_orders(graph, [row])[0])
    places = [row.tolist().index(step) for step in sequence]
    assert places == sorted(places)


@settings(deadline=None)
@given(small_graphs(least=3), st.integers(1, 5), st.integers(0, 100))
def test_bit_masks_and_lists_give_the_same_gains(graph: Graph, rows: int, seed: int) -> None:
    """Two computations without common code agree, also after a row was changed and laid down."""
    start, changed = random_rows(graph, rows, seed), random_rows(graph, rows, seed + 1)
    masks, lists = TripleGains(graph, start), SequenceGains(graph, 3, start)
    steps = np.arange(len(graph.steps))
    for at in range(rows):
        tables = []
        for worth in (masks, lists):
            worth.take_up(at)
            worth.place(changed[at])
            gains = worth.gains(steps)
            best = gains.max(axis=1, keepdims=True)
            tables.append(np.where(gains > best - FORBIDDEN / 2, gains - best, -np.inf))
        assert (tables[0] == tables[1]).all()
        left = masks.lay_down()
        assert left == lists.lay_down()
        orders = rows_as_orders(graph, [*changed[: at + 1], *start[at + 1 :]])
        proof = verify(graph, orders, 3)
        assert left == proof.feasible - proof.covered


def test_annealing_never_leaves_the_graph_and_never_loses_count() -> None:
    """On a graph with chains, at both kinds of gains: rows stay legal, and what it says is uncovered is."""
    graph = Graph.of({"a": (), "b": ("a",), "c": ("a",), "d": ("b",), "e": ("c",), "f": ("a",), "g": ("d", "e")})
    for strength, count in ((2, 2), (3, 4), (4, 6)):
        schedule = CoolingSchedule(2_000, hot=1.0, cold=0.5)
        rng = np.random.default_rng(strength)
        result = anneal(graph, strength, random_rows(graph, count, 1), schedule=schedule, rng=rng)
        proof = verify(graph, rows_as_orders(graph, result.rows), strength)
        assert not proof.illegal
        assert proof.feasible - proof.covered == result.uncovered


@pytest.mark.parametrize(("steps", "rows"), [(3, 6), (4, 6), (5, 7), (7, 8)])
def test_few_unrelated_events_reach_the_best_sizes_known(steps: int, rows: int) -> None:
    """Strength 3: 6 orders for 3 and 4 events, 7 for 5, 8 for 7."""
    graph = free(steps)
    found = search(graph, 3, seed=1, moves=150_000, enough=rows)
    assert len(found.orders) == rows
    assert verify(graph, found.orders, 3).complete


def test_two_orders_realise_a_graph_of_dimension_two() -> None:
    """Strength 2 without constraints: an order and its reverse."""
    orders = search(free(12), 2, moves=5_000, enough=2).orders
    assert len(orders) == 2
    assert orders[0] == orders[1][::-1]


def test_the_same_seed_and_budget_give_the_same_set() -> None:
    """And another seed another one."""
    runs = [search(free(9), 3, seed=seed, moves=30_000).orders for seed in (4, 4, 5)]
    assert runs[0] == runs[1] != runs[2]


def test_a_deadline_ends_the_search_with_what_was_found() -> None:
    """`expired` is asked before every sweep; the greedy set is there at least, and covers."""
    asked = 0

    def expired() -> bool:
        nonlocal asked
        asked += 1
        return asked > 10

    graph = free(10)
    found = search(graph, 3, moves=10**9, expired=expired)
    assert asked <= 13
    assert verify(graph, found.orders, 3).complete


def test_no_strength_but_two_three_and_four() -> None:
    """Another strength is refused by name."""
    with pytest.raises(ValueError, match="strength must be one of"):
        search(free(3), 5, moves=10)


def test_orders_and_rows_are_two_ways_to_write_the_same() -> None:
    """Names to indices and back."""
    orders = (("s1", "s0", "s2"), ("s2", "s1", "s0"))
    assert rows_as_orders(free(3), orders_as_rows(free(3), orders)) == orders
