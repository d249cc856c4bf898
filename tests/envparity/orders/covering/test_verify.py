"""The verifier: it must notice everything that is missing, and everything that is not allowed."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from envparity.orders.covering.tuples import SequenceCodes
from envparity.orders.covering.verify import verify
from envparity.orders.extensions import linear_extensions
from envparity.orders.graph import Graph

FREE = Graph.of({"a": (), "b": (), "c": ()})
VEE = Graph.of({"a": (), "b": ("a",), "c": ("a",), "d": ("c",)})


def test_all_orders_cover_all_sequences() -> None:
    """Six permutations of three steps hold all six sequences."""
    proof = verify(FREE, list(permutations("abc")), 3)
    assert (proof.covered, proof.feasible, proof.complete) == (6, 6, True)


def test_one_order_less_is_one_sequence_missing() -> None:
    """The missing sequence is shown."""
    proof = verify(FREE, [order for order in permutations("abc") if order != ("b", "a", "c")], 3)
    assert (proof.covered, proof.feasible, proof.complete) == (5, 6, False)
    assert proof.missing == (("b", "a", "c"),)


def test_sequences_that_the_graph_rules_out_are_not_asked_for() -> None:
    """Implied requirements count too: d never before a, although it does not say so itself."""
    orders = list(linear_extensions(VEE))
    assert [verify(VEE, orders, strength).feasible for strength in (2, 3, 4)] == [8, 8, 3]
    assert all(verify(VEE, orders, strength).complete for strength in (2, 3, 4))


def test_illegal_orders_cover_nothing_and_are_shown() -> None:
    """Misplaced, short, long, repeating and foreign orders."""
    wrong = ["bacd", "acd", "abcdd", "abccd", "abcx"]
    proof = verify(VEE, [*linear_extensions(VEE), *(tuple(order) for order in wrong)], 2)
    assert proof.illegal == tuple(tuple(order) for order in wrong)
    assert proof.covered == proof.feasible
    assert not proof.complete
    assert verify(VEE, [tuple("bacd")], 2).covered == 0


@st.composite
def small_graphs(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(2, 6))
    names = [f"s{at}" for at in range(size)]
    return Graph.of({name: draw(st.sets(st.sampled_from(names[:at]))) if at else () for at, name in enumerate(names)})


@given(small_graphs(), st.sampled_from([2, 3, 4]))
def test_feasible_is_what_occurs_in_some_order(graph: Graph, strength: int) -> None:
    """By definition: all orders together cover everything feasible; and the builder counts the same number."""
    proof = verify(graph, list(linear_extensions(graph)), strength)
    assert proof.complete
    assert proof.feasible == int(SequenceCodes(graph, strength).feasible().sum())
