"""The planned cases of a project with all that boots, plays, and explains them; a run has one such stage at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from envparity.engine.boots import Boots
from envparity.engine.case_player import CasePlayer
from envparity.engine.case_result import CaseMore, CaseResult
from envparity.engine.causes import CauseFinder
from envparity.engine.changing import without_changes
from envparity.engine.elsewhere import CaseSource, Crew
from envparity.engine.events import Emit, Waiting
from envparity.engine.explore import BootsBeside, Explorer, OrderProfile
from envparity.engine.observer import Observer
from envparity.engine.orders_seen import OrdersSeen
from envparity.engine.plan import PlannedCase, left_out, plan
from envparity.engine.repeats import with_rates
from envparity.engine.shown_once import counted_again
from envparity.engine.shrinking import with_causes
from envparity.errors import ConfigurationError, Mistake
from envparity.isolate import with_partings
from envparity.judge import judge
from envparity.judge.confirm import cases_to_confirm, confirm, only_warm
from envparity.judge.entries import with_entries
from envparity.judge.finding import Judgement
from envparity.judge.releases import with_changes
from envparity.launch.clocks import faketime_library
from envparity.launch.port import Launcher
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import Observation

__all__ = ["CaseStage", "CaseStageOptions"]


@dataclass(frozen=True)
class CaseStageOptions:
    """What is asked of a run; `Run` says what each of them means."""

    only: tuple[str, ...] = ()
    orders: OrderProfile | None = None
    causes: bool = False
    workers: int | None = None
    repeat: int = 1
    elsewhere: CaseSource | None = None
    told_whole: bool = False
    share: Collection[str] | None = None


class CaseStage:
    """The cases of one project: planned, booted once each, and judged together."""

    def __init__(self, project: Project, launcher: Launcher, emit: Emit, options: CaseStageOptions) -> None:
        attached, thorough, environments = project.attached, project.thorough, project.environments
        self.project, self._emit, self._options = project, emit, options
        with_orders = options.orders is not None
        planned = plan(
            project.backend, environments, options.only, orders=with_orders, attached=attached, thorough=thorough
        )
        planned, self.not_changed = without_changes(planned, launcher)
        self.cases = tuple(each for each in planned if options.share is None or each.case.id in options.share)
        if any(each.case.boot.clocks for each in self.cases):
            faketime_library()
        self.left_out = left_out(project.backend, environments, options.only, attached, thorough=thorough)
        observer = Observer(project.backend, launcher.name, launcher.run_id, emit, attached)
        self.explorer = Explorer(project, launcher, observer, emit)
        self.orders = OrdersSeen(project, self.explorer, emit, options.orders)
        player = CasePlayer(project, observer, self.orders, emit, named=options.only)
        self.boots = Boots(
            project, launcher, observer, emit, player, planned=len(self.cases),
            workers=options.workers, repeat=options.repeat, elsewhere=options.elsewhere,
            told_whole=self._more if options.told_whole else None,
        )  # fmt: skip
        self._crew = options.elsewhere if isinstance(options.elsewhere, Crew) else None
        self.finder = CauseFinder(project, launcher, observer, emit, places=self.boots.places, crew=self._crew)
        self._observed: tuple[Observation, ...] = ()
        self._judged: Judgement | None = None

    @property
    def unsteady(self) -> tuple[str, ...]:
        """Of each boot that came to a deadline once, and not when it booted alone, what that was."""
        return (*(told for _, told in (*self.boots.unsteady, *self.explorer.unsteady)), *self.boots.late.in_doubt)

    def planned(self, case: Case) -> PlannedCase:
        """That case with what is played in it. `ConfigurationError` for a case not planned."""
        planned = next((each for each in self.cases if each.case == case), None)
        if planned is None:
            known = ", ".join(str(each.case) for each in self.cases)
            raise ConfigurationError([Mistake("run", 0, "case", f"one of {known}", str(case))])
        return planned

    async def observe(self, case: Case) -> Observation:
        """What that planned case showed: booted now, or remembered."""
        observation = await self.boots.observe(self.planned(case))
        more = self.boots.taken.pop(case, None)
        if more is not None:
            self.orders.take(case, more)
        return observation

    async def result(self, case: Case) -> CaseResult:
        """The same with all else that this case showed."""
        began = time.monotonic()
        observation = await self.observe(case)
        return CaseResult(observation, self._more(case), round(time.monotonic() - began, 1))

    async def observe_all(self) -> tuple[Observation, ...]:
        """Every planned case, in the order of the plan, and behind them the orders of each environment."""
        planned = await asyncio.gather(*(self.observe(each.case) for each in self.cases))
        return (*planned, *self.orders.observations)

    async def judgement(self, observations: tuple[Observation, ...]) -> Judgement:
        """What the rules find in all of it, with its causes where these were asked for."""
        judged = with_partings(await self._confirmed(observations), self.project, observations)
        judged = with_changes(judged, observations)
        judged = with_rates(self.project, judged, observations, self.boots.repeats)
        if self._options.causes:
            planned = [each.case for each in self.cases]
            judged = await counted_again(self.project, judged, observations, planned, self._once_more)
        self._observed, self._judged = observations, judged
        judged = await self.finder.explain(judged, observations) if self._options.causes else judged
        return with_entries(judged)

    def so_far(self) -> tuple[tuple[Observation, ...], Judgement]:
        """What was observed until now, and what is found in it.

        Before all of it was judged that is what those planned cases showed that were seen to their end, and no orders:
        no finding stands on a warm boot then. Later it is all of it, with the causes that are known by now.
        """
        if self._judged is None:
            return self.boots.seen, with_entries(judge(self.project, self.boots.seen))
        findings = self.finder.so_far or self._judged.findings
        return self._observed, with_entries(msgspec.structs.replace(self._judged, findings=findings))

    async def cold(self, case: Case) -> Observation:
        """What that case, which needs not be planned, shows in fresh containers."""
        if self._crew is not None:
            self._emit(Waiting(case.id, f"a cold boot to confirm {case}"))
            return await self._crew.cold(case)

        async def attempt(*, again: bool) -> Observation:
            if not again:
                self._emit(Waiting(case.id, f"a cold boot to confirm {case}"))
            return await self.explorer.observe_cold(case)

        def doubted(why: str) -> None:
            self._emit(Waiting(case.id, f"{case} once more, alone: {why}"))

        return await self.boots.counted(case, attempt, doubted)

    @asynccontextmanager
    async def stand(self, environment: str) -> AsyncIterator[BootsBeside]:
        """That environment, booted as it is, for boots beside it."""
        async with self.boots.boot(Case(environment, self.project.backend.name)) as stack:
            await stack.until_decided()
            async with self.explorer.beside(stack) as beside:
                yield beside

    async def _once_more(self, case: Case, nth: int) -> Observation:
        """One more boot of that planned case, the `nth` beside all that were asked for."""
        self._emit(Waiting(case.id, f"one more boot of {case}: does it show again?"))
        planned = self.planned(case)
        if self._crew is not None:
            return await self._crew.again(planned, self._options.repeat + nth)
        return await self.boots.once_more(planned)

    def _more(self, case: Case) -> CaseMore:
        """What that case showed beside its observation."""
        late = [told for which, told in self.boots.unsteady if which == case]
        if case.boot.steady:
            late += [told for where, told in self.explorer.unsteady if where == case.environment]
        repeats = self.boots.repeats.get(case, ())
        return msgspec.structs.replace(self.orders.more(case), repeats=repeats, unsteady=tuple(late))

    async def _confirmed(self, observations: tuple[Observation, ...]) -> Judgement:
        """What the rules find, and of what only warm boots show, what fresh containers show too.

        A finding that a cold boot does not reproduce is reported as what it is.
        """
        judgement = with_causes(judge(self.project, observations), self.orders.explained, observations)
        doubtful = only_warm(judgement, observations)
        if not doubtful:
            return judgement
        cold = {seen.case: seen for seen in observations if not seen.warm}
        wanted = cases_to_confirm(doubtful, observations)
        again = await asyncio.gather(*(self.cold(case) for case in wanted))
        cold |= dict(zip(wanted, again, strict=True))
        return confirm(judgement, doubtful, judge(self.project, tuple(cold.values())))
