"""The order of the steps, as mathematics."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from netra_backend.app.core.startup_order import OrderRefused, ancestors, startup_order


@dataclass(frozen=True)
class Step:
    name: str
    requires: tuple[str, ...]


GRAPH = [Step("a", ()), Step("b", ("a",)), Step("c", ("a",)), Step("d", ("b", "c")), Step("e", ())]


def test_without_priorities_the_order_is_canonical() -> None:
    """The order in which the components stand."""
    assert startup_order(GRAPH) == ("a", "b", "c", "d", "e")


def test_a_full_order_is_run_as_it_stands() -> None:
    """A legal permutation comes out unchanged."""
    assert startup_order(GRAPH, ["e", "a", "c", "b", "d"]) == ("e", "a", "c", "b", "d")


@pytest.mark.parametrize(
    ("priorities", "order"),
    [(["e"], "eabcd"), (["c"], "acbde"), (["d"], "abcde"), (["e", "c"], "eacbd"), (["d", "e"], "abcde")],
)
def test_a_partial_order_pulls_its_steps_forward(priorities: list[str], order: str) -> None:
    """Named steps come as early as their requirements allow, in the sequence given; the rest is canonical."""
    assert startup_order(GRAPH, priorities) == tuple(order)


@pytest.mark.parametrize("seed", range(50))
def test_every_legal_partial_order_is_honoured(seed: int) -> None:
    """Any sub-sequence of any linear extension is accepted, and kept."""
    generator = random.Random(seed)  # noqa: S311  # a reproducible choice of cases
    required, remaining, extension = ancestors(GRAPH), [step.name for step in GRAPH], list[str]()
    while remaining:
        ready = [name for name in remaining if required[name] <= set(extension)]
        extension.append(generator.choice(ready))
        remaining.remove(extension[-1])
    priorities = [name for name in extension if generator.random() < 0.6]
    order = startup_order(GRAPH, priorities)
    assert [name for name in order if name in priorities] == priorities
    assert all(required[name] <= set(order[:position]) for position, name in enumerate(order))
    assert sorted(order) == sorted(extension)


@pytest.mark.parametrize(
    ("priorities", "named"),
    [(["x"], "'x'"), (["a", "a"], "'a' twice"), (["b", "a"], "'b' before 'a'"), (["d", "e", "a"], "'d' before 'a'")],
)
def test_an_illegal_order_is_refused_by_name(priorities: list[str], named: str) -> None:
    """Unknown, twice, or against the graph, also through others."""
    with pytest.raises(OrderRefused, match=named) as refused:
        startup_order(GRAPH, priorities)
    assert (refused.value.code, refused.value.component) == ("ORDER_REFUSED", "startup_order")


def test_the_canonical_order_must_be_legal() -> None:
    """A component that stands before one that it requires is a bug of ours."""
    with pytest.raises(ValueError, match="does not stand before it"):
        startup_order([Step("b", ("a",)), Step("a", ())])
