"""Which boots show that the verdict does not depend on the order."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.model.case import Boot
from envparity.orders.covering import verify
from envparity.orders.experiments import forbidden_orders, order_boots, timelines
from envparity.orders.graph import Graph

DIAMOND = Graph.of({"root": (), "left": ("root",), "right": ("root",), "other": ("root",), "top": ("left", "right")})
NAMES = [f"s{at}" for at in range(5)]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Acyclic graphs of up to five steps."""
    names = NAMES[: draw(st.integers(1, 5))]
    requires = {
        name: tuple(draw(st.lists(st.sampled_from(names[:at]), unique=True))) if at else ()
        for at, name in enumerate(names)
    }
    return Graph.of(requires)


@pytest.mark.parametrize("strength", [2, 3])
def test_the_orders_that_are_booted_cover_every_sequence(strength: int) -> None:
    """Verified on another way than the one on which they were built; the canonical order counts among them."""
    boots = order_boots(DIAMOND, (), strength=strength)
    coverage = verify(DIAMOND, [boots.canonical.order, *(order.order for order in boots.orders)], strength)
    assert coverage.complete
    assert coverage.feasible > 0


def test_the_canonical_boot_comes_first_and_every_boot_is_made_once() -> None:
    """It asks for its order by name; all others are compared with it."""
    boots = order_boots(DIAMOND, ("postgres", "redis"), strength=3)
    assert boots.all[0] == boots.canonical == Boot(order=DIAMOND.canonical)
    assert len(set(boots.all)) == len(boots.all)
    assert {*boots.all} == {boots.canonical, *boots.orders, *boots.forbidden, *boots.timelines}


@given(graphs())
def test_no_backend_may_accept_a_forbidden_order(graph: Graph) -> None:
    """Each breaks the graph, whatever the graph: also one of a single step, and one in which nothing is required."""
    forbidden = list(forbidden_orders(graph))
    assert [order for order in forbidden if graph.allows(order)] == []
    kinds = {violation.kind for order in forbidden for violation in graph.violations(order)}
    assert kinds == {"unknown", "repeated"} | ({"precedence"} if any(step.requires for step in graph.steps) else set())


def test_a_forbidden_order_is_forbidden_for_one_reason_at_a_time() -> None:
    """But for the canonical order backwards, so that a refusal can be read."""
    reasons = [len(DIAMOND.violations(order)) for order in forbidden_orders(DIAMOND)]
    assert reasons[0] == 1
    assert reasons[-2:] == [1, 1]
    assert DIAMOND.canonical[::-1] in list(forbidden_orders(DIAMOND))


def test_the_step_that_is_named_twice_stands_where_it_may_both_times() -> None:
    """Otherwise it could be refused for standing behind what requires it."""
    (*_, twice) = forbidden_orders(DIAMOND)
    assert twice == (*DIAMOND.canonical, "top")


@given(graphs())
def test_no_boot_is_made_twice_for_a_small_graph(graph: Graph) -> None:
    """Where there is little to forbid, several ways to break the graph are one."""
    boots = order_boots(graph, ("postgres",), strength=2)
    assert len(set(boots.all)) == len(boots.all)


def test_dependencies_and_backend_come_in_every_order() -> None:
    """All permutations of the three, which has each of them late, and both."""
    comings = [
        timeline for timeline in timelines(("redis", "postgres")) if not any(name.startswith("-") for name in timeline)
    ]
    assert {*comings} == {*permutations(("postgres", "redis", "backend"))}


def test_every_dependency_goes_and_comes_back_while_the_backend_waits_for_the_other() -> None:
    """It is taken away after the backend found it, and the other one comes before it is back."""
    goings = [
        timeline for timeline in timelines(("redis", "postgres")) if any(name.startswith("-") for name in timeline)
    ]
    assert goings == [
        ("backend", "postgres", "-postgres", "redis", "postgres"),
        ("backend", "redis", "-redis", "postgres", "redis"),
    ]


def test_in_the_end_every_dependency_is_there() -> None:
    """Whatever comes and goes, the backend has what it needs, so that it must become ready."""
    for timeline in timelines(("a", "b", "c")):
        last = {name: max(at for at, event in enumerate(timeline) if event.lstrip("-") == name) for name in "abc"}
        assert all(not timeline[at].startswith("-") for at in last.values()), timeline
        assert timeline.count("backend") == 1


def test_five_dependencies_come_in_all_orders_and_six_in_a_covering_set() -> None:
    """6! orders of six events are booted; of seven events, so many that every three come in every order."""
    five = [timeline for timeline in timelines("abcde") if "-" not in "".join(timeline)]
    assert len(five) == len({*five}) == 720
    names = "abcdef"
    six = [timeline for timeline in timelines(names) if "-" not in "".join(timeline)]
    assert len(six) < 30
    assert verify(Graph.of(dict.fromkeys((*names, "backend"), ())), six, 3).complete


def test_without_dependencies_there_is_nothing_to_come() -> None:
    """And no boot is made for it."""
    assert list(timelines(())) == []
    assert order_boots(DIAMOND, (), strength=2).timelines == ()


def test_a_backend_that_cannot_be_ordered_still_meets_its_dependencies_in_every_order() -> None:
    """Nothing is searched for it, and its usual boot, which a run has anyway, is not made again."""
    boots = order_boots(DIAMOND, ("redis",), strength=3, orderable=False)
    assert boots.canonical == Boot()
    assert boots.all == boots.timelines
    assert boots.covering is None
    assert len(boots.timelines) == 3
    assert str(boots) == "no order of initialisation, for the backend cannot be asked for one; 3 of the dependencies"


def test_in_words_it_says_what_is_covered() -> None:
    """For the verdict: how many orders, how many sequences of how many, and what else is booted."""
    text = str(order_boots(DIAMOND, ("redis",), strength=2))
    assert "orders of strength 2" in text
    assert "sequences of 2 steps" in text
    assert "5 that are forbidden, 3 of the dependencies" in text
