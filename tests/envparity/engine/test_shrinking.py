"""What in a failing order fails is found out with boots, where something failed, and said in the finding."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

import envparity.engine.observer
from envparity.engine.events import Event, OrderBooted, Waiting
from envparity.engine.explore import BootsBeside, Explorer, OrderProfile
from envparity.engine.observer import Observer
from envparity.engine.run import Run
from envparity.engine.shrinking import Explained, OrderShrinker, with_causes
from envparity.judge import judge
from envparity.judge.cause import NotFound, OrderCause, StepPair
from envparity.judge.evidence import Reproduced
from envparity.judge.finding import Finding, Judgement
from envparity.model.case import Boot, Case
from envparity.observe.record import Observation, StartupReport
from envparity.orders.graph import Graph
from envparity.report.wording import cause_text, search_lines
from tests.envparity.launching import BACKEND, GRAPH, FakeLauncher, FakeStack, Startup, passes, project, report

SILENT = replace(BACKEND, scenarios=())
CANONICAL = ("settings", "redis", "tools", "auth", "handlers")


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path))
    monkeypatch.setattr(envparity.engine.observer, "_BETWEEN_EVENTS_S", 0.0)


def broken(*pairs: tuple[str, str], component: str = "auth") -> Startup:
    """A startup that fails in every order that has all these pairs in that sequence."""

    def startup(case: Case) -> StartupReport | None:
        order = case.boot.order
        legal = cast("StartupReport", passes(case))
        if legal.status != "pass" or not order:
            return legal
        hit = all(order.index(first) < order.index(then) for first, then in pairs)
        return report(order=order, failure=component) if hit else legal

    return startup


async def shrink(
    launcher: FakeLauncher, use: Callable[[BootsBeside, tuple[Observation, ...]], Any] | None = None, **budget: Any
) -> tuple[Explained, ...]:
    """The causes in one environment, whose orders were booted before; `use` looks for them where it is given."""
    events: list[Event] = []
    observer = Observer(SILENT, "fake", "r1", events.append)
    projects = project("local", backend=SILENT)
    explorer = Explorer(projects, cast("Any", launcher), observer, events.append)
    boots = await explorer.plan(projects.environments["local"], report(), OrderProfile(strength=2))
    assert boots is not None
    stack = FakeStack(Case("local", "chat"), launcher=launcher)
    async with explorer.beside(stack) as beside:
        seen = await explorer.explore(beside, boots)
        if use is not None:
            return cast("tuple[Explained, ...]", await use(beside, seen))
        launcher.warm_boots.clear()
        return await OrderShrinker(projects, events.append, **budget).causes(beside, Graph.of(GRAPH), seen)


async def test_the_pair_that_matters_is_named_with_the_shrunk_order_and_its_price() -> None:
    """The order is the canonical one but for that pair and what had to follow it."""
    launcher = FakeLauncher(broken(("handlers", "redis")))
    (cause,) = await shrink(launcher)
    assert (cause.code, cause_text(cause.cause)) == ("EP212", "fails whenever handlers starts before redis")
    boots = len(launcher.warm_boots)
    (told,) = search_lines(cause.cause)
    assert told.startswith(f"shrunk in {boots} boots to the canonical order, but with ")
    assert "handlers before redis" in told


async def test_every_pair_that_matters_is_named() -> None:
    """Where it takes two to fail."""

    async def use(beside: BootsBeside, seen: tuple[Observation, ...]) -> tuple[Explained, ...]:
        failing = await beside.observe(Boot(order=("settings", "handlers", "tools", "redis", "auth")))
        shrinker = OrderShrinker(project("local", backend=SILENT), lambda _event: None)
        return await shrinker.causes(beside, Graph.of(GRAPH), (seen[0], failing))

    (cause,) = await shrink(FakeLauncher(broken(("tools", "redis"), ("handlers", "tools"))), use)
    assert cause_text(cause.cause) == "fails whenever handlers starts before tools and tools starts before redis"


async def test_another_failure_is_not_taken_for_the_one_that_is_shrunk() -> None:
    """Where every other order has a report of its own, it is still the failing startup that is looked for."""
    fails = broken(("handlers", "redis"))

    def startup(case: Case) -> StartupReport | None:
        seen = cast("StartupReport", fails(case))
        if seen.status != "pass" or case.boot.order in ((), CANONICAL):
            return seen
        return replace(seen, document=seen.document | {"release": "2"})

    causes = {explained.code: cause_text(explained.cause) for explained in await shrink(FakeLauncher(startup))}
    assert set(causes) == {"EP211", "EP212"}
    assert causes["EP212"] == "fails whenever handlers starts before redis"


@pytest.mark.parametrize("first", [("handlers", "redis"), ("tools", "redis")])
async def test_another_component_is_not_taken_for_the_one_that_fails(first: tuple[str, str]) -> None:
    """In an order that breaks two components, of which one is told of, that one's pair is looked for."""
    second = {("handlers", "redis"): ("tools", "redis"), ("tools", "redis"): ("handlers", "redis")}[first]

    def startup(case: Case) -> StartupReport | None:
        seen = cast("StartupReport", broken(first, component="auth")(case))
        return seen if seen.status != "pass" else broken(second, component="redis")(case)

    async def use(beside: BootsBeside, seen: tuple[Observation, ...]) -> tuple[Explained, ...]:
        failing = await beside.observe(Boot(order=("settings", "tools", "handlers", "redis", "auth")))
        shrinker = OrderShrinker(project("local", backend=SILENT), lambda _event: None)
        return await shrinker.causes(beside, Graph.of(GRAPH), (seen[0], failing))

    (cause,) = await shrink(FakeLauncher(startup), use)
    assert (cause.where, cause_text(cause.cause)) == ("auth", f"fails whenever {first[0]} starts before {first[1]}")


async def test_where_nothing_failed_nothing_is_booted() -> None:
    """A clean run is as quick as ever."""
    launcher = FakeLauncher()
    assert await shrink(launcher) == ()
    assert launcher.warm_boots == []


async def test_what_does_not_depend_on_the_order_is_not_shrunk() -> None:
    """Forbidden orders that are accepted are a finding with no pair to name."""

    async def use(beside: BootsBeside, seen: tuple[Observation, ...]) -> tuple[Explained, ...]:
        projects = project("local", backend=SILENT)
        assert [finding.code for finding in judge(projects, seen).findings] == ["EP214"]
        return await OrderShrinker(projects, lambda _event: None).causes(beside, Graph.of(GRAPH), seen)

    def accepts_everything(case: Case) -> StartupReport | None:
        return report(order=[name for name in dict.fromkeys(case.boot.order) if name in GRAPH])

    assert await shrink(FakeLauncher(accepts_everything), use) == ()


async def test_an_environment_leaves_what_another_one_shrinks_already() -> None:
    """The same finding in three environments costs its boots once."""
    projects = project("local", backend=SILENT)
    shrinker = OrderShrinker(projects, lambda _event: None)
    launcher = FakeLauncher(broken(("handlers", "redis")))

    async def twice(beside: BootsBeside, seen: tuple[Observation, ...]) -> list[tuple[Explained, ...]]:
        graph = Graph.of(GRAPH)
        return list(await asyncio.gather(shrinker.causes(beside, graph, seen), shrinker.causes(beside, graph, seen)))

    first, second = cast("Any", await shrink(launcher, twice))
    assert (len(first), second) == (1, ())


async def test_boots_are_not_spent_without_end() -> None:
    """With too few of them the cause says that there may be more to it."""
    launcher = FakeLauncher(broken(("handlers", "redis")))
    (cause,) = await shrink(launcher, boots=1)
    assert len(launcher.warm_boots) == 1
    assert isinstance(cause.cause, OrderCause)
    assert not cause.cause.minimal


async def test_shrinking_has_a_deadline_and_says_so() -> None:
    """No cause is better than a run that does not end."""
    launcher = FakeLauncher(broken(("handlers", "redis")))
    (cause,) = await shrink(launcher, seconds=0.0)
    assert isinstance(cause.cause, NotFound)
    assert (cause.cause.why, cause.cause.seconds) == ("orders out of time", 0.0)


def test_a_cause_belongs_to_the_findings_of_its_code_that_show_in_its_boot() -> None:
    """And to no other one."""
    boot, other = Boot(order=("b", "a")), Boot(order=("c", "a"))
    cases = [Case(name, "chat", start) for name in ("local", "staging") for start in (boot, other)]
    seen = [Observation(case, "fake", "r1") for case in cases]

    def found(code: str, *shown: Case, where: str = "auth") -> Finding:
        return Finding(code, "", where, "", "", ("local",), tuple(case.id for case in shown))

    # The first case is local's: what was found out there explains staging's, which was booted in that order too.
    findings = (
        found("EP212", *cases),
        found("EP212", cases[2]),
        found("EP212", cases[1]),
        found("EP211", cases[0]),
        found("EP212", *cases, where="redis"),
    )
    pairs = (StepPair("b", "a"),)
    cause = Explained("EP212", "auth", boot, OrderCause(pairs, pairs=pairs, boots=3))
    explained = with_causes(Judgement(findings, (), 30), [cause], seen)
    assert [finding.cause for finding in explained.findings] == [cause.cause, cause.cause, None, None, None]


async def test_the_verdict_has_the_cause_once_for_all_environments() -> None:
    """One finding, one cause, the shrunk order in its evidence, and reproduced in fresh containers."""
    launcher, events = FakeLauncher(broken(("handlers", "redis"))), list[Event]()
    run = Run(project(backend=SILENT), cast("Any", launcher), events.append, orders=OrderProfile(strength=2))
    verdict = await run.verdict()
    (finding,) = verdict.findings
    assert (finding.code, finding.environments) == ("EP212", ("local", "staging"))
    assert cause_text(finding.cause) == "fails whenever handlers starts before redis"
    assert any(isinstance(piece, Reproduced) for piece in finding.evidence)
    assert list(search_lines(finding.cause))
    asked = [
        event
        for event in events
        if isinstance(event, Waiting) and "to find out what EP212 depends on" in event.waited_for
    ]
    assert len({waiting.case for waiting in asked}) == 1
    assert sum(isinstance(event, OrderBooted) for event in events) == len(await run.observe_all()) - 2
