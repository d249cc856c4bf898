"""The component graph: read from a report, checked as a whole, and asked which orders it allows."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.errors import ConfigurationError
from envparity.orders.graph import Graph, GraphStep, Violation, ready

DIAMOND = Graph.of({"root": (), "left": ("root",), "right": ("root",), "top": ("left", "right")})


@st.composite
def graphs(draw: st.DrawFn, most: int = 6) -> Graph:
    """Acyclic graphs whose declaration need not be a legal order."""
    size = draw(st.integers(0, most))
    names = draw(st.permutations([f"s{at}" for at in range(size)]))
    requires = {
        name: draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else [] for at, name in enumerate(names)
    }
    return Graph.of({name: requires[name] for name in sorted(names)})


def test_a_graph_is_read_from_the_steps_of_a_startup_report() -> None:
    """`steps[].name` and `steps[].requires` are all that is read; other members of a step do not matter."""
    report = {
        "status": "pass",
        "steps": [
            {"name": "settings", "requires": [], "outcome": "passed"},
            {"name": "redis", "requires": ["settings"], "duration_ms": 3.1},
            {"name": "free", "requires": None},
        ],
    }
    graph = Graph.from_report(report)
    assert graph.steps == (GraphStep("settings"), GraphStep("redis", ("settings",)), GraphStep("free"))


@pytest.mark.parametrize(
    ("report", "keys"),
    [
        ({}, ["steps"]),
        ({"steps": "settings"}, ["steps"]),
        ({"steps": [{"name": 3}, "x", {"name": "a", "requires": "b"}, {"name": "c", "requires": [1]}]}, None),
    ],
)
def test_a_report_of_another_shape_is_refused_with_every_mistake(
    report: dict[str, object], keys: list[str] | None
) -> None:
    """Every step of the wrong shape is named at once."""
    with pytest.raises(ConfigurationError) as caught:
        Graph.from_report(report)
    expected = keys or ["steps[0].name", "steps[1].name", "steps[2].requires", "steps[3].requires"]
    assert [mistake.key for mistake in caught.value.mistakes] == expected


def test_duplicates_unknown_steps_and_cycles_are_reported_at_once() -> None:
    """One error names the duplicate, both unknown requirements, and each of two separate cycles."""
    steps = [
        GraphStep("a", ("b",)),
        GraphStep("b", ("a", "nowhere")),
        GraphStep("c", ("c",)),
        GraphStep("d", ("gone",)),
        GraphStep("d"),
    ]
    with pytest.raises(ConfigurationError) as caught:
        Graph(tuple(steps))
    text = str(caught.value)
    assert len(caught.value.mistakes) == 5
    for part in ("'nowhere'", "'gone'", "the name a second time", "a requires b requires a", "c requires c"):
        assert part in text


def test_the_canonical_order_runs_the_ready_step_that_was_declared_first() -> None:
    """Declaration decides among ready steps, and gives way to requirements."""
    graph = Graph.of({"late": ("base",), "base": (), "other": ()})
    assert graph.canonical == ("base", "late", "other")


@given(graphs())
def test_the_canonical_order_is_always_allowed(graph: Graph) -> None:
    """Whatever the graph and however it was declared."""
    assert graph.allows(graph.canonical)


@given(graphs(most=5))
def test_an_order_is_allowed_exactly_if_it_violates_no_requirement(graph: Graph) -> None:
    """Checked against the definition, on all permutations of small graphs."""
    for order in permutations(graph.names):
        legal = all(order.index(need) < order.index(step.name) for step in graph.steps for need in step.requires)
        assert graph.allows(order) is legal


def test_every_violation_of_an_order_is_named() -> None:
    """Unknown, repeated, missing and misplaced steps, all of them."""
    found = DIAMOND.violations(["left", "root", "ghost", "left"])
    assert set(found) == {
        Violation("unknown", "ghost"),
        Violation("repeated", "left"),
        Violation("missing", "right"),
        Violation("missing", "top"),
        Violation("precedence", "left", "root"),
    }
    assert "left stands before root, which it requires" in {str(violation) for violation in found}


def test_closure_and_reduction_are_each_others_inverse() -> None:
    """The closure holds what is implied, the reduction drops it, and neither changes what is allowed."""
    redundant = Graph.of({"root": (), "left": ("root",), "right": ("root",), "top": ("root", "left", "right")})
    assert redundant.before == DIAMOND.before == (0, 0b1, 0b1, 0b111)
    assert redundant.after == (0b1110, 0b1000, 0b1000, 0)
    assert redundant.reduced == DIAMOND


@given(graphs())
def test_the_digest_depends_on_what_is_allowed_alone(graph: Graph) -> None:
    """Neither the sequence of declaration nor an implied requirement changes it."""
    again = Graph(tuple(reversed(graph.steps)))
    closed = Graph.of({name: [graph.names[at] for at in range(len(graph.names)) if graph.before[here] >> at & 1]
                       for here, name in enumerate(graph.names)})  # fmt: skip
    assert graph.digest == again.digest == closed.digest == graph.reduced.digest


def test_the_digest_is_stable_and_tells_graphs_apart() -> None:
    """A known value, because cached and shipped sets are found by it; one requirement less is another digest."""
    assert DIAMOND.digest == "0ea4981e562f91c0b6c45b2bbd6dfecf341109499f88acad43a688d83f443e5d"
    assert DIAMOND.digest != Graph.of({"root": (), "left": ("root",), "right": ("root",), "top": ("left",)}).digest


@given(graphs())
def test_a_graph_survives_json(graph: Graph) -> None:
    """What `to_json` gives is plain data, and `from_report` reads it back."""
    assert Graph.from_report(json.loads(json.dumps(graph.to_json()))) == graph


def test_ready_steps_come_in_canonical_sequence() -> None:
    """Those whose requirements are done, without those that have run."""
    assert ready(DIAMOND, 0b0001) == [1, 2]
    assert ready(DIAMOND, 0b0101) == [1]
