"""What the orders of each environment showed: booted beside its first boot, or taken from where they were booted."""

from __future__ import annotations

from envparity.engine.case_result import CaseMore, Explained
from envparity.engine.events import Emit, OrderBooted, OrdersPlanned
from envparity.engine.explore import Explorer, OrderProfile, startup_of
from envparity.engine.shrinking import OrderShrinker
from envparity.launch.port import Stack
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import Observation, StartupReport

__all__ = ["OrdersSeen"]


class OrdersSeen:
    """The orders of the environments of a project, their coverage, and what of them fails.

    Without a `profile` none is booted here.
    """

    def __init__(self, project: Project, explorer: Explorer, emit: Emit, profile: OrderProfile | None) -> None:
        self._project, self._explorer, self._emit, self._profile = project, explorer, emit, profile
        self._shrinker = OrderShrinker(project, emit)
        self._ordered: dict[str, tuple[Observation, ...]] = {}
        self._coverage: dict[str, str] = {}
        self._covered: dict[str, tuple[int, int]] = {}
        self._explained: dict[str, tuple[Explained, ...]] = {}

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Of each boot in an order, environment by environment."""
        return tuple(seen for name in self._project.environments for seen in self._ordered.get(name, ()))

    @property
    def coverage(self) -> tuple[str, ...]:
        """What was booted of each environment, in words."""
        known = self._coverage
        return tuple(f"{name}: {known[name]}" for name in self._project.environments if name in known)

    @property
    def explained(self) -> list[Explained]:
        """What in the orders of each environment fails, as far as it was looked for."""
        return [cause for name in self._project.environments for cause in self._explained.get(name, ())]

    def of_boot(self, case: Case) -> bool:
        """Whether there are orders beside that boot: the usual one, of an environment that is booted here."""
        return bool(self._ordered.get(case.environment)) and case.boot.steady

    async def boot_beside(self, stack: Stack, report: StartupReport | None) -> None:
        """Boot what the orders ask for and, where one of them fails, look for what it is in it that fails.

        Only beside the usual boot of an environment that is not attached.
        """
        case = stack.case
        name = case.environment
        if self._profile is None or not case.boot.steady or name in self._project.attached:
            return
        boots = await self._explorer.plan(self._project.environments[name], report, self._profile)
        if boots is None:
            return
        self._coverage[name] = str(boots)
        if boots.covering is not None:
            self._covered[name] = boots.covering.coverage.covered, boots.covering.coverage.feasible
        async with self._explorer.beside(stack) as beside:
            if beside.cold_because:
                self._coverage[name] += f"; all booted cold, for {beside.cold_because}"
            seen = await self._explorer.explore(beside, boots)
            self._ordered[name] = seen
            if boots.covering is not None:
                self._explained[name] = await self._shrinker.causes(beside, boots.covering.graph, seen)

    def more(self, case: Case) -> CaseMore:
        """What the orders beside that case showed: they stand with the usual boot of their environment."""
        name = case.environment
        if not case.boot.steady:
            return CaseMore()
        covered, feasible = self._covered.get(name, (0, 0))
        return CaseMore(
            covered=covered,
            feasible=feasible,
            ordered=self._ordered.get(name, ()),
            coverage=self._coverage.get(name, ""),
            explained=self._explained.get(name, ()),
        )

    def take(self, case: Case, more: CaseMore) -> None:
        """Take over what the orders showed where that case was booted, and tell of them as of boots made here."""
        if not more.coverage:
            return
        name, count = case.environment, len(more.ordered)
        self._coverage[name], self._covered[name] = more.coverage, (more.covered, more.feasible)
        self._ordered[name], self._explained[name] = more.ordered, more.explained
        self._emit(OrdersPlanned(case.id, name, more.coverage, count, more.covered, more.feasible))
        for done, seen in enumerate(more.ordered, start=1):
            self._emit(OrderBooted(case.id, seen.case.id, done, count, startup_of(seen), seen.case.boot))
