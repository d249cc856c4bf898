"""Orders that nobody chose: Hypothesis draws them, near to uniformly, from all that the graph allows.

    pytest parity_tests/nightly --hypothesis-profile nightly

Each example is one warm boot in one environment. A failing one is shrunk towards the canonical order, booted in fresh
containers, and reported with the pair of steps that matters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from envparity.engine.explore import graph_of
from envparity.engine.live_run import WarmEnvironment
from envparity.faces.parity_run import ParityRun
from envparity.isolate import shrink_order
from envparity.judge import judge
from envparity.judge.finding import Finding
from envparity.model.case import Boot
from envparity.observe.record import Observation
from envparity.orders.graph import Graph
from envparity.orders.strategy import init_orders
from envparity.report.verdict import findings_text

Order = tuple[str, ...]

pytestmark = pytest.mark.parity(group="orders")


class Environments:
    """The environments, standing, and what each shows in the canonical order."""

    def __init__(self, parity: ParityRun, standing: dict[str, WarmEnvironment]) -> None:
        self.parity = parity
        self.names = tuple(standing)
        self._standing = standing
        self.graph = self._graph(standing[self.names[0]])
        usual = Boot(order=self.graph.canonical)
        self._canonical = {name: environment.observe(usual) for name, environment in standing.items()}

    def findings(self, name: str, order: Order) -> tuple[Finding, ...]:
        """What is found when that environment boots warm in that order, beside its canonical boot."""
        return self._judged(self._canonical[name], self._standing[name].observe(Boot(order=order)))

    def cold_findings(self, name: str, order: Order) -> tuple[Finding, ...]:
        """The same in fresh containers."""
        environment = self._standing[name]
        return self._judged(
            environment.observe_cold(Boot(order=self.graph.canonical)), environment.observe_cold(Boot(order=order))
        )

    def _judged(self, *seen: Observation) -> tuple[Finding, ...]:
        return judge(self.parity.project, seen).findings

    @staticmethod
    def _graph(environment: WarmEnvironment) -> Graph:
        report = environment.observe(Boot()).replicas[0].startup
        assert report is not None
        assert report.status == "pass"
        return graph_of(report)


@pytest.fixture(scope="module")
def environments(parity: ParityRun) -> Iterator[Environments]:
    """Every environment of the run, as long as this module's tests."""
    with ExitStack() as exits:
        yield Environments(parity, {name: exits.enter_context(parity.warm(name)) for name in parity.environments})


def test_the_canonical_order_is_clean(environments: Environments) -> None:
    """What the others are compared with has nothing to be found in it; nor has a second boot of it."""
    for name in environments.names:
        assert environments.findings(name, environments.graph.canonical) == ()


def test_any_order_is_as_good_as_the_canonical_one(environments: Environments) -> None:
    """Startup passes with the same report, and the conversation is the same, in whatever order the graph allows."""
    failing: list[tuple[str, Order]] = []

    @given(name=st.sampled_from(environments.names), order=init_orders(environments.graph))
    def nothing_is_found(name: str, order: Order) -> None:
        found = environments.findings(name, order)
        if found:
            failing.append((name, order))
            note(findings_text(found, environments.names))
        assert [finding.code for finding in found] == []

    try:
        nothing_is_found()
    except AssertionError as error:
        # Hypothesis tries the least failing example last, to show it.
        raise AssertionError(explained(environments, *failing[-1])) from error


def explained(environments: Environments, name: str, order: Order) -> str:
    """What it is in that order that fails, and what fresh containers show."""

    async def fails(tried: Order) -> bool:
        return environments.findings(name, tried) != ()

    shrunk = asyncio.run(shrink_order(environments.graph, order, fails))
    cold = environments.cold_findings(name, shrunk.order)
    if not cold:
        return f"{name} {shrunk}, but in warm boots alone: a fresh container starts well in {', '.join(shrunk.order)}"
    return "\n".join(
        [
            f"{name} {shrunk}",
            f"the canonical order, but with {', '.join(map(str, shrunk.pairs))}: {','.join(shrunk.order)}",
            findings_text(cold, environments.names),
        ]
    )
