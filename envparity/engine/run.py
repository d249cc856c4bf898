"""The engine: plans the cases, boots each once, plays its scenarios, and asks the judge. Its faces are thin."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from envparity.engine.case_result import CaseResult
from envparity.engine.case_stage import CaseStage, CaseStageOptions
from envparity.engine.causes import CauseFinder
from envparity.engine.elsewhere import CaseSource
from envparity.engine.events import Emit
from envparity.engine.explore import OrderProfile
from envparity.engine.explored import Explored, with_scenarios
from envparity.engine.held_environment import HeldEnvironment, check_boots
from envparity.engine.plan import PlannedCase
from envparity.engine.run_telling import RunTelling
from envparity.judge.finding import Judgement, Verdict
from envparity.launch.port import Launcher
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import Observation

if TYPE_CHECKING:
    from envparity.engine.exploration.searching import ExplorationProfile

__all__ = ["Run"]


class Run:
    """One run over one project. Every case is booted at most once; its observation is remembered by the case.

    As many cases boot at the same time as the machine bears (`Places`), `workers` at most. What came to a deadline is
    booted again with nothing beside it, and that is what is judged. With `orders` every environment that passes its
    startup is booted in every order that matters, too. Every case is booted `repeat` times, and what shows in some of
    these boots only is counted. With `causes` what shows in some environments and not in others is booted in hybrids of
    the two until its cause is known.

    With `elsewhere` it boots no planned case: what that says of each is judged, and where it is a `Crew`, what only
    turns out to be needed is asked of it too. `told_whole`: what else a case showed is told with its observation.
    With a `share` only the cases of these ids are planned.
    """

    def __init__(
        self,
        project: Project,
        launcher: Launcher,
        emit: Emit,
        *,
        only: Sequence[str] = (),
        orders: OrderProfile | None = None,
        causes: bool = False,
        workers: int | None = None,
        repeat: int = 1,
        elsewhere: CaseSource | None = None,
        told_whole: bool = False,
        share: Collection[str] | None = None,
        explore: ExplorationProfile | None = None,
    ) -> None:
        self._launcher, self._emit = launcher, emit
        self._options = CaseStageOptions(tuple(only), orders, causes, workers, repeat, elsewhere, told_whole, share)
        self._stage = CaseStage(project, launcher, emit, self._options)
        self._to_explore, self._exploring, self._explored = explore, asyncio.Lock(), Explored()
        self._standing: list[HeldEnvironment] = []
        self._judged: Judgement | None = None
        self._telling = RunTelling(launcher, emit, self._options, project.attached)

    @property
    def launcher(self) -> Launcher:
        """Who boots for it."""
        return self._launcher

    @property
    def project(self) -> Project:
        """What is booted, with the scenarios that exploration found."""
        return self._stage.project

    @property
    def cases(self) -> tuple[PlannedCase, ...]:
        """What is planned, in that order."""
        return self._stage.cases

    @property
    def finder(self) -> CauseFinder:
        """Who looks for the causes."""
        return self._stage.finder

    async def observe(self, case: Case) -> Observation:
        """What that planned case showed: booted now, or remembered. `ConfigurationError` for a case not planned."""
        return await (await self._ready_for(case)).observe(case)

    def planned(self, case: Case) -> PlannedCase:
        """That case with what is played in it. `ConfigurationError` for a case not planned."""
        return self._stage.planned(case)

    async def result(self, case: Case) -> CaseResult:
        """The same with all else that this case showed, for a process that judges it with others."""
        return await (await self._ready_for(case)).result(case)

    async def once_more(self, case: Case) -> Observation:
        """What one more boot of that planned case shows."""
        self.announce()
        return await self._stage.boots.once_more(self.planned(case))

    async def cold(self, case: Case) -> Observation:
        """What that case, which needs not be planned, shows in fresh containers."""
        return await self._stage.cold(case)

    async def observe_all(self) -> tuple[Observation, ...]:
        """Every planned case, in the order of the plan, and behind them the orders of each environment."""
        await self._explored_once()
        self.announce()
        return await self._stage.observe_all()

    async def judgement(self) -> Judgement:
        """What the rules find in all of it; nothing stands in it on the word of a warm boot alone."""
        if self._judged is None:
            self._judged = await self._stage.judgement(await self.observe_all())
        return self._judged

    async def verdict(self) -> Verdict:
        """Observe everything, judge it, and tell that last: what was seen, where the machine or a bug ends it."""
        try:
            observations = await self.observe_all()
            observed_s = time.monotonic()
            judgement = await self.judgement()
        except Exception as error:  # noqa: BLE001  it is raised, with what was seen
            raise self._telling.given_up(self._stage, self._explored, error)  # noqa: B904  it has its cause
        return self._telling.finish(self._stage, self._explored, observations, judgement, observed_s)

    def break_off(self, error: Exception) -> str:
        """Tell what was seen and found until that ended the run as its verdict; how much it is, "" for nothing."""
        return self._telling.break_off(self._stage, self._explored, error)

    async def stand(self, environment: str) -> HeldEnvironment:
        """That environment, booted as it is, for boots beside it that nobody planned.

        Raises `ConfigurationError` where there is none of that name. Where it stands already, it stands twice.
        """
        check_boots(self.project, environment)
        self.announce()
        standing = HeldEnvironment(self._stage.explorer, lambda: self._stage.stand(environment))
        self._standing.append(standing)
        await standing.until_there()
        return standing

    async def close(self) -> None:
        """Cancel what is under way, wait for it, and leave nothing behind."""
        for standing in self._standing:
            await standing.abandon()
        await self._stage.boots.close()
        await self._telling.stop()
        await self._launcher.close()

    def announce(self) -> None:
        """Say once what is going to be booted, and watch from now on how busy the machine is."""
        self._telling.start(self._stage)

    async def _ready_for(self, case: Case) -> CaseStage:
        """The stage of that planned case, announced; `ConfigurationError` where the case is not planned."""
        await self._explored_once()
        self.planned(case)
        self.announce()
        return self._stage

    async def _explored_once(self) -> None:
        """Explore, where that was asked for; what it found is a scenario of the backend from then on."""
        async with self._exploring:
            profile, self._to_explore = self._to_explore, None
            if profile is None:
                return
            self.announce()
            from envparity.engine.exploring import Exploring  # loads Hypothesis, which takes a third of a second

            self._explored = await Exploring(self.project, self._stage.boots.boot, self._emit, profile).run()
            if found := self._explored.scenarios:
                options = replace(self._options, only=self._explored.named_beside(self._options.only))
                self._stage = CaseStage(with_scenarios(self.project, found), self._launcher, self._emit, options)
