"""A failing order shrinks to the canonical one but for what matters, in few boots, by legal orders alone."""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Callable
from itertools import combinations, pairwise

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from envparity.errors import ConfigurationError
from envparity.isolate import Pair, Shrunk, shrink_order
from envparity.orders.extensions import extension_by_priorities, linear_extensions
from envparity.orders.graph import Graph

Order = tuple[str, ...]
Predicate = Callable[[Order], bool]
FREE = Graph.of(dict.fromkeys("abcdef", ()))
REVERSED = tuple("fedcba")


class Boots:
    """An oracle that keeps account: every order that it is asked about is legal, and asked about once."""

    def __init__(self, graph: Graph, fails: Predicate) -> None:
        self.graph, self.fails = graph, fails
        self.asked: list[Order] = []

    async def __call__(self, order: Order) -> bool:
        assert self.graph.allows(order)
        assert order not in self.asked
        self.asked.append(order)
        return self.fails(order)


def shrink(graph: Graph, failing: Order, fails: Predicate, most: int = 200) -> tuple[Shrunk, Boots]:
    boots = Boots(graph, fails)
    shrunk = asyncio.run(shrink_order(graph, failing, boots, most=most))
    assert shrunk.boots == len(boots.asked) <= most
    return shrunk, boots


def has(*pairs: tuple[str, str]) -> Predicate:
    """Fails where each of these pairs stands in this sequence."""
    return lambda order: all(order.index(first) < order.index(then) for first, then in pairs)


def inverted(graph: Graph, order: Order) -> list[tuple[str, str]]:
    rank = {name: at for at, name in enumerate(graph.canonical)}
    return [(first, other) for first, other in combinations(order, 2) if rank[first] > rank[other]]


def random_case(chance: random.Random, steps: int = 20, density: float = 0.1) -> tuple[Graph, Order]:
    """A random graph, and a random order that it allows."""
    names = [f"step_{at:02}" for at in range(steps)]
    requires = {name: [name for name in names[:at] if chance.random() < density] for at, name in enumerate(names)}
    graph = Graph.of(requires)
    return graph, extension_by_priorities(graph, chance)


@settings(deadline=None, max_examples=150)
@given(st.randoms(use_true_random=False), st.sampled_from((0.0, 0.05, 0.1, 0.3)), st.integers(1, 3))
def test_what_is_left_is_canonical_but_for_what_matters(chance: random.Random, density: float, count: int) -> None:
    """Steps that stand in the wrong sequence and next to one another are the ones that matter, and no other."""
    graph, failing = random_case(chance, density=density)
    wrong = inverted(graph, failing)
    assume(len(wrong) >= count)
    wanted = chance.sample(wrong, count)
    shrunk, _ = shrink(graph, failing, has(*wanted))
    assert shrunk.minimal
    assert has(*wanted)(shrunk.order)
    assert graph.allows(shrunk.order)
    assert {(pair.first, pair.then) for pair in shrunk.decisive} <= set(wanted)
    assert [(pair.first, pair.then) for pair in shrunk.pairs] == inverted(graph, shrunk.order)
    if count == 1:
        assert shrunk.decisive == (Pair(*wanted[0]),)
    for at, (first, other) in enumerate(pairwise(shrunk.order)):
        if Pair(first, other) in shrunk.decisive:
            swapped = (*shrunk.order[:at], other, first, *shrunk.order[at + 2 :])
            assert not has(*wanted)(swapped)


@settings(deadline=None, max_examples=100)
@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_whatever_fails_the_result_fails_and_no_swap_back_does(chance: random.Random, seed: int) -> None:
    """Also where what fails has no reason at all."""
    graph, failing = random_case(chance, steps=6, density=0.15)
    assume(failing != graph.canonical)
    lots = random.Random(seed)  # noqa: S311  repeatable, not secret
    verdicts = {order: lots.random() < 0.3 for order in linear_extensions(graph)}
    verdicts |= {graph.canonical: False, failing: True}
    shrunk, _ = shrink(graph, failing, verdicts.__getitem__, most=1000)
    assert shrunk.minimal
    assert verdicts[shrunk.order]
    assert len(shrunk.pairs) <= len(inverted(graph, failing))
    for at, (first, other) in enumerate(pairwise(shrunk.order)):
        if Pair(first, other) in shrunk.pairs:
            assert not verdicts[(*shrunk.order[:at], other, first, *shrunk.order[at + 2 :])]


def test_one_pair_of_twenty_steps_costs_few_boots() -> None:
    """Below ten on average, and never as many as fifteen; two pairs cost twice that."""
    for count, mean, most in ((1, 10, 15), (2, 20, 25)):
        chance = random.Random(count)  # noqa: S311  repeatable, not secret
        spent: list[int] = []
        while len(spent) < 60:
            graph, failing = random_case(chance)
            wrong = inverted(graph, failing)
            if len(wrong) >= count:
                spent.append(shrink(graph, failing, has(*chance.sample(wrong, count)))[0].boots)
        assert statistics.mean(spent) < mean
        assert max(spent) < most


def test_what_matters_is_told_from_what_only_had_to_follow() -> None:
    """The pairs that matter, without those that only had to follow."""
    shrunk, _ = shrink(FREE, REVERSED, has(("d", "b")))
    assert (shrunk.decisive, shrunk.minimal) == ((Pair("d", "b"),), True)
    assert shrunk.order == ("a", "c", "d", "b", "e", "f")
    assert shrunk.pairs == (Pair("c", "b"), Pair("d", "b"))
    both, _ = shrink(FREE, REVERSED, has(("b", "a"), ("f", "e")))
    assert (both.order, both.decisive) == (tuple("bacdfe"), (Pair("b", "a"), Pair("f", "e")))


def test_what_depends_on_the_step_that_gives_way_comes_after_it() -> None:
    """Of the two ways to bring two steps into a sequence the one with fewer wrong pairs is taken."""
    graph = Graph.of({"a": (), "b": ("a",), "c": ("a",), "d": ("a",), "e": ()})
    late, _ = shrink(graph, ("e", "a", "d", "c", "b"), has(("e", "a")))
    assert (late.order, len(late.pairs)) == (("e", "a", "b", "c", "d"), 4)
    graph = Graph.of({"a": (), "b": (), "c": (), "d": ("b", "c")})
    early, _ = shrink(graph, ("c", "b", "d", "a"), has(("d", "a")))
    assert (early.order, len(early.pairs)) == (("b", "c", "d", "a"), 3)


def test_an_order_that_must_begin_with_a_step_keeps_it_there() -> None:
    """What matters need not be one pair."""
    shrunk, _ = shrink(FREE, REVERSED, lambda order: order[0] == "f")
    assert shrunk.order == tuple("fabcde")
    assert shrunk.minimal


def test_steps_that_must_not_be_neighbours() -> None:
    """A path to the canonical order may first lose what fails, and bisection still finds an edge of it."""
    shrunk, _ = shrink(FREE, REVERSED, lambda order: abs(order.index("a") - order.index("b")) > 1)
    assert shrunk.minimal
    assert abs(shrunk.order.index("a") - shrunk.order.index("b")) == 2


def test_the_same_question_gives_the_same_answer_by_the_same_boots() -> None:
    """Deterministic, down to the sequence of boots."""
    graph, failing = random_case(random.Random(3))  # noqa: S311  repeatable, not secret
    wanted = inverted(graph, failing)[3]
    first, again = (shrink(graph, failing, has(wanted)) for _ in range(2))
    assert (first[0], first[1].asked) == (again[0], again[1].asked)


@pytest.mark.parametrize("most", range(6))
def test_when_the_boots_are_used_up_the_best_so_far_is_given_and_says_so(most: int) -> None:
    """It fails, and is no farther from the canonical order than what was given."""
    wanted = (("c", "a"), ("f", "d"))
    shrunk, boots = shrink(FREE, REVERSED, has(*wanted), most=most)
    assert not shrunk.minimal
    assert len(boots.asked) == most
    assert has(*wanted)(shrunk.order)
    assert len(shrunk.pairs) <= 15
    assert not shrunk.minimal
    assert most or shrunk.order == REVERSED


def test_more_boots_never_leave_more_pairs() -> None:
    """Where each pair found is one step nearer."""
    left = [len(shrink(FREE, REVERSED, has(("c", "a"), ("f", "d")), most)[0].pairs) for most in range(20)]
    assert left[0] == 15
    assert left[-1] == 4
    assert left == sorted(left, reverse=True)


def test_the_canonical_order_itself_needs_no_boot() -> None:
    """It is as it should be, and fails: no order is the cause."""
    shrunk, boots = shrink(FREE, FREE.canonical, lambda _: True, most=0)
    assert boots.asked == []
    assert (shrunk.order, shrunk.pairs, shrunk.minimal) == (FREE.canonical, (), True)


def test_an_order_that_the_graph_forbids_is_a_mistake() -> None:
    """All that is wrong with it is said, and nothing is booted."""
    graph = Graph.of({"a": (), "b": ("a",), "c": ()})
    with pytest.raises(ConfigurationError) as raised:
        shrink(graph, ("b", "a", "x"), lambda _: True)
    assert [mistake.got for mistake in raised.value.mistakes] == [
        "b stands before a, which it requires",
        "c does not occur",
        "x is no step of the graph",
    ]


def test_the_result_is_plain_data() -> None:
    """It can be saved with the verdict."""
    shrunk, _ = shrink(FREE, REVERSED, has(("d", "b")))
    assert msgspec.json.decode(msgspec.json.encode(shrunk), type=Shrunk) == shrunk
