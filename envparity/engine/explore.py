"""The orders of one booted environment: warm boots beside it where that is possible, cold ones where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from envparity.engine.events import Emit, OrderBooted, OrdersPlanned, Waiting
from envparity.engine.observer import Observer
from envparity.engine.want_of_time import LateBoots
from envparity.errors import ConfigurationError, DeadlineExceeded, LaunchError
from envparity.launch.cache import cache_folder
from envparity.launch.controls import WarmBoots, WarmUnavailable, warm_boots
from envparity.launch.port import Launcher, Stack
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.record import Observation, StartupReport
from envparity.orders.experiments import OrderBoots, order_boots
from envparity.orders.graph import Graph

__all__ = ["LANES", "BootsBeside", "Explorer", "OrderProfile", "covering_folder", "graph_of", "startup_of"]

LANES = 2
"""How many warm boots of one environment run at the same time."""


class OrderProfile(msgspec.Struct, frozen=True):
    """How far the orders go: the strength of the covering set, and whether the dependencies come in every order too."""

    strength: int = 3
    dependencies: bool = True


def covering_folder() -> Path:
    """Where covering sets and the like are remembered between runs."""
    return cache_folder() / "covering"


def graph_of(report: StartupReport) -> Graph:
    """The graph that a startup report declares. Raises `ConfigurationError` where it is none."""
    steps = [{"name": step.name, "requires": list(step.requires)} for step in report.steps]
    return Graph.from_report({"steps": steps})


class Explorer:
    """Boots one environment in every order that matters, and observes each boot.

    `unsteady` says of each boot that came to a deadline once, and not when it booted alone, what that was, with its
    environment.
    """

    def __init__(self, project: Project, launcher: Launcher, observer: Observer, emit: Emit) -> None:
        self._backend, self._environments = project.backend, project.environments
        self._launcher = launcher
        self._observer = observer
        self._emit = emit
        self._planning = asyncio.Lock()
        self.unsteady: list[tuple[str, str]] = []
        self.scenarios = tuple(scenario for scenario in project.backend.scenarios if scenario.part != "usual")

    async def plan(
        self, environment: Environment, report: StartupReport | None, profile: OrderProfile
    ) -> OrderBoots | None:
        """What to boot, or None where the backend did not pass its startup to begin with.

        A backend that declares no steps has no orders of initialisation; its dependencies come in every order still.
        """
        if report is not None and report.status != "pass":
            return None
        try:
            graph = graph_of(report) if report is not None else Graph.of({})
        except ConfigurationError:  # a broken graph is a finding about the report, and nothing to order by
            return None
        # In a thread, for other environments talk to their backends meanwhile; and one at a time, for what one has
        # searched for the next finds in the cache.
        async with self._planning:
            return await asyncio.to_thread(
                order_boots,
                graph,
                tuple(environment.dependencies) if profile.dependencies else (),
                strength=profile.strength,
                cache=covering_folder(),
                orderable=self._backend.order_setting is not None and bool(graph.steps),
            )

    @asynccontextmanager
    async def beside(self, stack: Stack) -> AsyncIterator[BootsBeside]:
        """What boots beside that stack: forks where the launcher can have them, else fresh containers."""
        async with AsyncExitStack() as exits:
            warm, cold_because = None, ""
            try:
                warm = await exits.enter_async_context(warm_boots(stack, LANES))
            except WarmUnavailable as reason:
                cold_because = str(reason)
                self._emit(Waiting(stack.case.id, f"cold boots, for there can be no warm ones: {reason}"))
            yield BootsBeside(self, stack, warm, cold_because)

    async def explore(self, beside: BootsBeside, boots: OrderBoots) -> tuple[Observation, ...]:
        """Observe each of these boots, the canonical one first."""
        case, planned = beside.case, boots.all
        covered, feasible = 0, 0
        if boots.covering is not None:
            covered, feasible = boots.covering.coverage.covered, boots.covering.coverage.feasible
        self._emit(OrdersPlanned(case.id, case.environment, str(boots), len(planned), covered, feasible))
        done = 0

        async def observe(boot: Boot) -> Observation:
            nonlocal done
            seen = await beside.observe(boot)
            done += 1
            self._emit(OrderBooted(case.id, seen.case.id, done, len(planned), startup_of(seen), boot))
            return seen

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(observe(boot)) for boot in planned]
        return tuple(task.result() for task in tasks)

    async def observe_warm(self, warm: WarmBoots, case: Case) -> Observation:
        """One warm boot. Raises `WarmUnavailable` where it takes a cold one."""
        try:
            async with warm.boot(case.boot) as stack:
                return await self.observe_stack(stack, warm=True)
        except WarmUnavailable:
            raise
        except (LaunchError, DeadlineExceeded) as error:
            return self._observer.nothing(case, str(error), warm=True)

    async def observe_cold(self, case: Case) -> Observation:
        """The same in fresh containers: what a warm boot found counts once this one shows it too."""
        try:
            environment = self._environments[case.environment]
            booting = self._launcher.boot(environment, case.boot, lambda what: self._emit(Waiting(case.id, what)))
            async with booting as stack:
                return await self.observe_stack(stack, warm=False)
        except (LaunchError, DeadlineExceeded) as error:
            return self._observer.nothing(case, str(error))

    async def observe_stack(self, stack: Stack, *, warm: bool) -> Observation:
        """See its startup through, and play what belongs to the orders."""
        starting, startup_s = await self._observer.see_through(stack, self.scenarios)
        first = await self._observer.replicas(stack)
        played = await self._observer.player.peaceful(stack, self.scenarios)
        return await self._observer.record(stack, first, (*starting, *played), {"startup": startup_s}, warm=warm)


class BootsBeside:
    """Boots of one environment in other ways than the stack beside which they stand. Made by `Explorer.beside`.

    `cold_because` says why none of them is warm; "" where they can be.
    """

    def __init__(self, explorer: Explorer, stack: Stack, warm: WarmBoots | None, cold_because: str = "") -> None:
        self.cold_because = cold_because
        self._explorer = explorer
        self._stack = stack
        self._warm = warm
        self._lanes = asyncio.Semaphore(LANES)
        self._alone = asyncio.Lock()
        self._late = LateBoots()
        self._cold = asyncio.Semaphore(1)  # a second stack weighs as much as the one that stands already

    @property
    def case(self) -> Case:
        """The case of the stack beside which these boots stand."""
        return self._stack.case

    async def observe(self, boot: Boot) -> Observation:
        """What that boot shows: warm, or cold where a fork cannot do what a new process would."""
        case = Case(self.case.environment, self.case.backend, boot)
        if self._warm is not None:
            try:
                return await self._believed(self._warm, case)
            except WarmUnavailable:
                pass
        async with self._cold:
            if boot == self.case.boot:
                return await self._explorer.observe_stack(self._stack, warm=False)
            return await self._explorer.observe_cold(case)

    async def _believed(self, warm: WarmBoots, case: Case) -> Observation:
        """What a warm boot shows; where it came to a deadline on a stalled machine, what it shows with none beside it.

        Raises `WarmUnavailable`.
        """

        async def attempt(*, again: bool) -> Observation:
            del again
            return await self._explorer.observe_warm(warm, case)

        seen, late = await self._late.believed(attempt, self._lanes, self._all_lanes())
        if late:
            told = f"{case}: {'; '.join(late)} (in 1 of 2 warm boots)"
            self._explorer.unsteady.append((case.environment, told))
        return seen

    @asynccontextmanager
    async def _all_lanes(self) -> AsyncIterator[None]:
        """Every lane, for one that has nothing beside it."""
        async with self._alone, AsyncExitStack() as lanes:
            for _ in range(LANES):
                await lanes.enter_async_context(self._lanes)
            yield


def startup_of(seen: Observation) -> str:
    """In one word how a boot's startup ended, for progress."""
    if seen.launch_failure is not None:
        return "not stood up"
    reports = [replica.startup for replica in seen.replicas]
    return next((report.status for report in reports if report is not None and report.status != "pass"), "pass")
