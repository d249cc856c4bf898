"""The orders of one environment: every planned boot is observed once, warm where that is possible, cold where not."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

import envparity.engine.explore
import envparity.engine.observer
import envparity.engine.want_of_time
from envparity.engine.events import Event, OrderBooted, OrdersPlanned, Waiting
from envparity.engine.explore import LANES, Explorer, OrderProfile, covering_folder, graph_of
from envparity.engine.observer import Observer
from envparity.engine.want_of_time import MOST_LATE_ALONE
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.controls import WarmUnavailable
from envparity.launch.port import Stack
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.observe.record import Observation, StartupReport
from envparity.orders.covering import verify
from envparity.orders.experiments import OrderBoots, order_boots
from tests.envparity.launching import BACKEND, GRAPH, FakeLauncher, FakeStack, project, report, statuses

LOCAL = Case("local", "chat")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds what another one has searched for; no timeline takes its time."""
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path))
    monkeypatch.setattr(envparity.engine.observer, "_BETWEEN_EVENTS_S", 0.0)


class Exploring:
    """An explorer over a fake launcher, and the events that it emitted."""

    def __init__(self, launcher: FakeLauncher | None = None, **changes: Any) -> None:
        self.launcher = launcher or FakeLauncher()
        self.events: list[Event] = []
        backend = replace(BACKEND, **changes)
        observer = Observer(backend, self.launcher.name, self.launcher.run_id, self.events.append)
        self.explorer = Explorer(project(backend=backend), cast("Any", self.launcher), observer, self.events.append)

    async def plan(self, profile: OrderProfile = OrderProfile(strength=2)) -> OrderBoots:  # noqa: B008  frozen
        boots = await self.explorer.plan(project().environments["local"], report(), profile)
        assert boots is not None
        return boots

    async def explore(self) -> tuple[OrderBoots, tuple[Observation, ...]]:
        boots = await self.plan()
        async with self.explorer.beside(FakeStack(LOCAL, launcher=self.launcher)) as beside:
            return boots, await self.explorer.explore(beside, boots)


async def test_every_planned_boot_is_observed_once_the_canonical_one_first() -> None:
    """In the order of the plan, whichever ends first."""
    exploring = Exploring()
    boots, seen = await exploring.explore()
    assert [observation.case.boot for observation in seen] == list(boots.all)
    assert sorted(exploring.launcher.warm_boots) == sorted(Case("local", "chat", boot) for boot in boots.all)
    assert exploring.launcher.cold_boots == []
    assert [observation.warm for observation in seen] == [True] * len(seen)


async def test_what_was_booted_covers_what_the_graph_allows() -> None:
    """Legal orders pass, forbidden ones are refused, and no sequence of two steps is left out."""
    boots, seen = await Exploring().explore()
    orders = [
        observation.case.boot.order
        for observation in seen
        if observation.case.boot.order and statuses([observation]) == ["pass"]
    ]
    assert verify(graph_of(report()), orders, 2).complete
    assert statuses(seen).count("fail") == len(boots.forbidden) == 5


async def test_lanes_are_filled_and_never_overfilled() -> None:
    """So many boots at a time as there are lanes."""
    exploring = Exploring()
    await exploring.explore()
    assert exploring.launcher.most_at_once == LANES


async def test_a_warm_boot_that_was_late_on_a_stalled_machine_is_made_again_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it shows then counts, and that the first was late is told."""
    late = iter([("it was late",)])
    monkeypatch.setattr(envparity.engine.want_of_time, "late_for_want_of_time", lambda _seen: next(late, ()))
    exploring = Exploring()
    boots, seen = await exploring.explore()
    made = Counter(exploring.launcher.warm_boots)
    assert len(seen) == len(boots.all)
    assert sorted(made.values())[-2:] == [1, 2]
    assert len(exploring.explorer.unsteady) == 1


async def test_what_is_late_alone_as_well_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that hangs is not booted twice in every order."""
    monkeypatch.setattr(envparity.engine.want_of_time, "late_for_want_of_time", lambda _seen: ("it was late",))
    monkeypatch.setattr(envparity.engine.want_of_time, "for_want_of_time", lambda _seen: ("it was late",))
    exploring = Exploring()
    boots, _ = await exploring.explore()
    again = len(exploring.launcher.warm_boots) - len(boots.all)
    assert again == MOST_LATE_ALONE
    assert exploring.explorer.unsteady == []


async def test_the_pool_stands_as_long_as_the_orders_and_no_longer() -> None:
    """One pool an environment, gone when the orders are done."""
    exploring = Exploring()
    await exploring.explore()
    assert exploring.launcher.pools == [LOCAL]
    assert exploring.launcher.open == []


async def test_each_boot_plays_what_belongs_to_the_orders_and_nothing_else() -> None:
    """The usual scenarios are not played again; what is for the time before the start is over, is played then."""
    _, seen = await Exploring().explore()
    for observation in seen:
        early = ("while_starting",) if observation.case.boot.unreachable_at_start else ()
        assert tuple(script.scenario for script in observation.transcripts) == (*early, "in_any_order"), (
            observation.case
        )


async def test_without_warm_boots_every_order_boots_cold_one_at_a_time() -> None:
    """A backend that is not Python is ordered by the same port, and it is said why that takes longer."""
    exploring = Exploring(FakeLauncher(warm=False))
    boots, seen = await exploring.explore()
    assert [observation.case.boot for observation in seen] == list(boots.all)
    assert [observation.warm for observation in seen] == [False] * len(seen)
    assert len(exploring.launcher.cold_boots) == len(boots.all)
    said = [event.waited_for for event in exploring.events if isinstance(event, Waiting)]
    assert "cold boots, for there can be no warm ones: not Python" in said


async def test_a_boot_that_cannot_be_had_warm_is_booted_cold_and_the_others_stay_warm() -> None:
    """One such boot neither ends the run nor makes all others slow."""
    exploring = Exploring()
    exploring.launcher.refuses = lambda boot: boot.timeline == ("backend", "postgres", "redis")
    boots, seen = await exploring.explore()
    assert [observation.case.boot for observation in seen if not observation.warm] == [
        Boot(timeline=("backend", "postgres", "redis"))
    ]
    assert len(seen) == len(boots.all)


@pytest.mark.parametrize("error", [LaunchError("the fork died"), DeadlineExceeded("a database", 5, "none")])
async def test_a_boot_that_cannot_be_stood_up_is_an_observation(error: Exception) -> None:
    """It says so, on the word of a warm boot alone; the others go on."""
    launcher = FakeLauncher()
    launcher.warm_error = error
    boots, seen = await Exploring(launcher).explore()
    assert [observation.launch_failure for observation in seen] == [str(error)] * len(boots.all)
    assert {observation.warm for observation in seen} == {True}


async def test_a_cold_boot_that_cannot_be_stood_up_is_an_observation_too() -> None:
    """Nothing is warm about it."""

    class Roomless(FakeLauncher):
        def boot(self, environment: Environment, boot: Boot, waiting: Any) -> Any:
            raise LaunchError(f"no room for {environment.name}")

    seen = await Exploring(Roomless()).explorer.observe_cold(LOCAL)
    assert (seen.launch_failure, seen.warm) == ("no room for local", False)


async def test_the_usual_boot_beside_a_stack_without_forks_is_that_stack() -> None:
    """It is not made a second time, which its name would not allow."""
    exploring = Exploring(FakeLauncher(warm=False))
    stack = FakeStack(LOCAL, launcher=exploring.launcher)
    async with exploring.explorer.beside(cast("Stack", stack)) as beside:
        seen = await beside.observe(Boot())
    assert exploring.launcher.cold_boots == []
    assert "observe 0" in stack.log
    assert seen.case == LOCAL


async def test_what_goes_wrong_inside_is_not_taken_for_a_missing_pool() -> None:
    """`WarmUnavailable` from the body is the body's."""
    exploring = Exploring()

    async def use() -> None:
        async with exploring.explorer.beside(FakeStack(LOCAL, launcher=exploring.launcher)):
            raise WarmUnavailable("mine")

    with pytest.raises(WarmUnavailable, match="mine"):
        await use()
    assert exploring.launcher.open == []


async def test_progress_counts_every_boot_and_says_how_it_ended() -> None:
    """First what is planned, then one event a boot, up to the last."""
    exploring = Exploring()
    boots, _ = await exploring.explore()
    planned = [event for event in exploring.events if isinstance(event, OrdersPlanned)]
    assert boots.covering is not None
    covered = boots.covering.coverage.covered
    assert planned == [OrdersPlanned("local", "local", str(boots), len(boots.all), covered, covered)]
    booted = [event for event in exploring.events if isinstance(event, OrderBooted)]
    assert [event.done for event in booted] == list(range(1, len(boots.all) + 1))
    assert {(event.case, event.of) for event in booted} == {("local", len(boots.all))}
    assert sorted({event.startup for event in booted}) == ["fail", "pass"]
    assert len({event.order_case for event in booted}) == len(boots.all)


async def test_progress_says_what_was_not_stood_up() -> None:
    """In other words than how a startup ends."""
    launcher = FakeLauncher()
    launcher.warm_error = LaunchError("no fork")
    exploring = Exploring(launcher)
    await exploring.explore()
    assert {event.startup for event in exploring.events if isinstance(event, OrderBooted)} == {"not stood up"}


@pytest.mark.parametrize(
    "seen",
    [
        report(failure="auth"),
        StartupReport("starting", steps=report().steps),
        replace(report(), steps=(replace(report().steps[0], requires=("nowhere",)),)),
    ],
    ids=["failed", "still starting", "no graph"],
)
async def test_there_is_nothing_to_order_where_startup_fails_or_its_graph_is_none(seen: StartupReport) -> None:
    """What is wrong with it is a finding already."""
    assert await Exploring().explorer.plan(project().environments["local"], seen, OrderProfile()) is None


@pytest.mark.parametrize("seen", [None, StartupReport("pass")], ids=["no report", "no steps"])
async def test_a_backend_that_declares_no_steps_meets_its_dependencies_in_every_order(
    seen: StartupReport | None,
) -> None:
    """There is no order of initialisation to ask for, and the verdict says so."""
    planned = await Exploring().explorer.plan(project().environments["local"], seen, OrderProfile())
    assert planned is not None
    assert planned.all == planned.timelines != ()
    assert str(planned).startswith("no order of initialisation")


async def test_a_backend_without_an_order_setting_meets_only_its_dependencies_in_every_order() -> None:
    """Nothing else can be asked of it."""
    exploring = Exploring(order_setting=None)
    _, seen = await exploring.explore()
    assert len(seen) == 8
    assert all(observation.case.boot.timeline and not observation.case.boot.order for observation in seen)
    (planned,) = [event for event in exploring.events if isinstance(event, OrdersPlanned)]
    assert (planned.covered, planned.feasible) == (0, 0)


async def test_the_dependencies_orders_can_be_left_out() -> None:
    """A profile says how far to go."""
    boots = await Exploring().plan(OrderProfile(strength=2, dependencies=False))
    assert boots.timelines == ()
    assert boots.orders != ()


async def test_planning_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search for a covering set takes seconds, in which other environments talk to their backends."""
    searched_by: list[threading.Thread] = []

    def search(*given: Any, **options: Any) -> OrderBoots:
        searched_by.append(threading.current_thread())
        return order_boots(*given, **options)

    monkeypatch.setattr(envparity.engine.explore, "order_boots", search)
    await Exploring().plan()
    assert len(searched_by) == 1
    assert threading.main_thread() not in searched_by


def test_the_graph_is_the_one_of_the_report() -> None:
    """Names and requirements, and nothing else."""
    assert {step.name: list(step.requires) for step in graph_of(report()).steps} == GRAPH


def test_covering_sets_are_remembered_where_the_variables_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ENVPARITY_CACHE, else below the user's cache folder."""
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path / "given"))
    assert covering_folder() == tmp_path / "given" / "covering"
    monkeypatch.delenv("ENVPARITY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert covering_folder() == tmp_path / "xdg" / "envparity" / "covering"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert covering_folder() == tmp_path / ".cache" / "envparity" / "covering"
