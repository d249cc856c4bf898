"""The engine: plans the cases, boots each once, plays its scenarios, and asks the judge. Its faces are thin."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from envparity.engine.boots import Boots
from envparity.engine.case_result import CaseMore, CaseResult, Explained
from envparity.engine.causes import CauseFinder
from envparity.engine.changing import observe_change, without_changes
from envparity.engine.coming_back import CameBack, come_back, comes_back
from envparity.engine.elsewhere import CaseSource, Crew
from envparity.engine.events import Emit, OrderBooted, OrdersPlanned, RunFinished, RunStarted, Waiting
from envparity.engine.explore import BootsBeside, Explorer, OrderProfile, startup_of
from envparity.engine.exploring import Explored, Exploring, with_scenarios
from envparity.engine.growth import Growth
from envparity.engine.observer import Observer
from envparity.engine.outside import not_seen, urls, without_orders
from envparity.engine.plan import PlannedCase, left_out, plan
from envparity.engine.plays import play_again, repeated
from envparity.engine.repeats import with_rates
from envparity.engine.shrinking import OrderShrinker, with_causes
from envparity.engine.standing import Standing
from envparity.errors import ConfigurationError, Mistake
from envparity.exploration.searching import Profile
from envparity.isolate import with_partings
from envparity.judge import every_rule, judge
from envparity.judge.cause import Chance
from envparity.judge.confirm import cases_to_confirm, confirm, only_warm
from envparity.judge.entries import with_entries
from envparity.judge.finding import Finding, Judgement, Verdict
from envparity.judge.releases import with_changes
from envparity.judge.unmatched import unmatched
from envparity.launch.clocks import faketime_library
from envparity.launch.port import Launcher, Stack
from envparity.model.case import Case
from envparity.model.scenario import Scenario
from envparity.model.subject import Subject
from envparity.observe.record import Observation, Replica, StartupReport
from envparity.observe.transcript import Transcript
from envparity.support.stalls import STALLS, Granted, StallMark, Stalls

__all__ = ["Run"]


class Run:
    """One run over one subject. Every case is booted at most once; its observation is remembered by the case.

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
        subject: Subject,
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
        explore: Profile | None = None,
    ) -> None:
        self._urls = urls(subject.attached)
        self._without_orders = without_orders(subject.attached) if orders is not None else ()
        self._only, self._workers, self._repeat, self._share = tuple(only), workers, repeat, share
        self._elsewhere, self._told_whole, self._with_causes = elsewhere, told_whole, causes
        self._launcher = launcher
        self._emit = emit
        self._profile = orders
        self._to_explore, self._exploring, self._explored = explore, asyncio.Lock(), Explored()
        self._ordered: dict[str, tuple[Observation, ...]] = {}
        self._coverage: dict[str, str] = {}
        self._covered: dict[str, tuple[int, int]] = {}
        self._causes: dict[str, tuple[Explained, ...]] = {}
        self._standing: list[Standing] = []
        self._judged: Judgement | None = None
        self._mark: StallMark | None = None
        self._began = time.monotonic()
        self._started = False
        self._set_up(subject)

    def _set_up(self, subject: Subject) -> None:
        """Plan what is booted and played of that subject."""
        attached, emit, launcher, only = subject.attached, self._emit, self._launcher, self._only
        with_orders, thorough, elsewhere = self._profile is not None, subject.thorough, self._elsewhere
        self.subject = subject
        planned = plan(
            subject.backend, subject.environments, only, orders=with_orders, attached=attached, thorough=thorough
        )
        planned, self._not_changed = without_changes(planned, launcher)
        self.cases = tuple(one for one in planned if self._share is None or one.case.id in self._share)
        if any(one.case.boot.clocks for one in self.cases):
            faketime_library()
        self._left_out = left_out(subject.backend, subject.environments, only, attached, thorough=thorough)
        self._observer = Observer(subject.backend, launcher.name, launcher.run_id, emit, attached)
        self._boots = Boots(
            subject, launcher, self._observer, emit, self._look, planned=len(self.cases),
            workers=self._workers, repeat=self._repeat, elsewhere=elsewhere,
            told_whole=self._more if self._told_whole else None,
        )  # fmt: skip
        self._explorer = Explorer(subject, launcher, self._observer, emit)
        self._shrinker = OrderShrinker(subject, emit)
        places = self._boots.places
        self._is_elsewhere = elsewhere is not None
        self._crew = elsewhere if isinstance(elsewhere, Crew) else None
        self.finder = CauseFinder(subject, launcher, self._observer, emit, places=places, crew=self._crew)

    @property
    def launcher(self) -> Launcher:
        """Who boots for it."""
        return self._launcher

    async def observe(self, case: Case) -> Observation:
        """What that planned case showed: booted now, or remembered. `ConfigurationError` for a case not planned."""
        await self._explored_once()
        planned = self.planned(case)
        self.announce()
        observation = await self._boots.observe(planned)
        self._take(case)
        return observation

    def planned(self, case: Case) -> PlannedCase:
        """That case with what is played in it. `ConfigurationError` for a case not planned."""
        planned = next((one for one in self.cases if one.case == case), None)
        if planned is None:
            known = ", ".join(str(one.case) for one in self.cases)
            raise ConfigurationError([Mistake("run", 0, "case", f"one of {known}", str(case))])
        return planned

    async def result(self, case: Case) -> CaseResult:
        """The same with all else that this case showed, for a process that judges it with others."""
        began = time.monotonic()
        observation = await self.observe(case)
        return CaseResult(observation, self._more(case), round(time.monotonic() - began, 1))

    async def once_more(self, case: Case) -> Observation:
        """What one more boot of that planned case shows."""
        self.announce()
        return await self._boots.once_more(self.planned(case))

    async def observe_all(self) -> tuple[Observation, ...]:
        """Every planned case, in the order of the plan, and behind them the orders of each environment."""
        await self._explored_once()
        planned = await asyncio.gather(*(self.observe(one.case) for one in self.cases))
        ordered = [one for name in self.subject.environments for one in self._ordered.get(name, ())]
        return (*planned, *ordered)

    async def judgement(self) -> Judgement:
        """What the rules find in all of it; nothing stands in it on the word of a warm boot alone."""
        if self._judged is None:
            observations = await self.observe_all()
            judged = with_partings(await self._confirmed(observations), self.subject, observations)
            judged = with_changes(judged, observations)
            judged = with_rates(self.subject, judged, observations, self._boots.repeats)
            judged = await self.finder.explain(judged, observations) if self._with_causes else judged
            self._judged = with_entries(judged)
        return self._judged

    async def verdict(self) -> Verdict:
        """Observe everything, judge it, and say so as the stream's last event."""
        observations = await self.observe_all()
        observed = time.monotonic()
        judgement = await self.judgement()
        judged = time.monotonic()
        verdict = Verdict(
            run_id=self._launcher.run_id,
            launcher=self._launcher.name,
            cannot_check=self._launcher.cannot_check + self._not_changed + not_seen(observations),
            reason=self._launcher.reason,
            images=self._launcher.images,
            stalls=self._how_busy(observations),
            unsteady=tuple(told for _, told in (*self._boots.unsteady, *self._explorer.unsteady)),
            environments=tuple(self.subject.environments),
            cases=len(self.cases) + sum(map(len, self._ordered.values())),
            scenarios=sum(len(one.transcripts) for one in observations),
            rules=judgement.rules,
            findings=tuple(one for one in judgement.findings if not _is_by_chance(one)),
            by_chance=tuple(one for one in judgement.findings if _is_by_chance(one)),
            exemptions=judgement.exemptions,
            coverage=tuple(
                f"{name}: {self._coverage[name]}" for name in self.subject.environments if name in self._coverage
            )
            + self._without_orders,
            exploration=self._explored.said,
            explored=self._explored.scenarios,
            duration_s=round(time.monotonic() - self._began, 1),
            seconds={
                "boots": round(observed - self._began, 1),
                "judging and looking for causes": round(judged - observed, 1),
            },
            attached=self._urls,
            left_out=self._left_out,
            notes=() if self._only else unmatched(self.subject.backend, observations),
        )
        self._emit(RunFinished(verdict))
        return verdict

    async def stand(self, environment: str) -> Standing:
        """That environment, booted as it is, for boots beside it that nobody planned.

        Raises `ConfigurationError` where there is none of that name. Where it stands already, it stands twice.
        """
        if environment not in self.subject.environments:
            known = ", ".join(self.subject.environments)
            raise ConfigurationError([Mistake("run", 0, "environment", f"one of {known}", repr(environment))])
        if environment in self.subject.attached:
            got = f"{environment}, which is attached"
            raise ConfigurationError([Mistake("run", 0, "environment", "one that is booted", got)])
        self.announce()
        standing = Standing(self._explorer, lambda: self._stand(Case(environment, self.subject.backend.name)))
        self._standing.append(standing)
        await standing.until_there()
        return standing

    async def close(self) -> None:
        """Cancel what is under way, wait for it, and leave nothing behind."""
        for standing in self._standing:
            await standing.abandon()
        await self._boots.close()
        if self._started:
            self._started = False
            await STALLS.stop()
        await self._launcher.close()

    def announce(self) -> None:
        """Say once what is going to be booted, and watch from now on how busy the machine is."""
        if self._started:
            return
        self._started = True
        STALLS.start()
        self._mark = STALLS.mark()
        self._emit(
            RunStarted(
                run_id=self._launcher.run_id,
                launcher=self._launcher.name,
                cannot_check=self._launcher.cannot_check,
                reason=self._launcher.reason,
                backend=self.subject.backend.name,
                environments=tuple(self.subject.environments),
                cases=len(self.cases),
                scenarios=sum(len(one.scenarios) for one in self.cases),
                rules=len(every_rule()),
                images=self._launcher.images,
                attached=self._urls,
            )
        )

    async def _explored_once(self) -> None:
        """Explore, where that was asked for; what it found is a scenario of the backend from then on."""
        async with self._exploring:
            profile, self._to_explore = self._to_explore, None
            if profile is None:
                return
            self.announce()
            self._explored = await Exploring(self.subject, self._boots.boot, self._emit, profile).run()
            if self._explored.scenarios:
                if self._only:
                    self._only = (*self._only, *(one.name for one in self._explored.scenarios))
                self._set_up(with_scenarios(self.subject, self._explored.scenarios))

    @asynccontextmanager
    async def _stand(self, case: Case) -> AsyncIterator[BootsBeside]:
        async with self._boots.boot(case) as stack:
            await stack.until_decided()
            async with self._explorer.beside(stack) as beside:
                yield beside

    async def _look(
        self, planned: PlannedCase, stack: Stack, began: float, *, again: bool, told: bool = True
    ) -> Observation:
        """Peaceful scenarios overlap, then come the orders of this environment, and at last what disturbs the stack.

        Orders are booted beside the first boot only, not where this is done `again`.

        Where startup did not pass and was meant to, one conversation shows what a client is told; the rest would only
        say the same again.
        """
        case, scenarios, observer = planned.case, planned.scenarios, self._observer
        if case.boot.release:
            return await observe_change(observer, planned, stack, began, told=told)
        await observer.see_through(stack, scenarios)
        booted = time.monotonic()
        first = await observer.replicas(stack)
        if case.boot.steady and any(one.startup is not None and one.startup.status != "pass" for one in first):
            scenarios = scenarios[:1]
        if told:
            self._emit(Waiting(case.id, f"{len(scenarios)} scenarios"))
        growth = Growth(stack)
        controlled = self._is_controlled(stack, first)
        if controlled:
            await growth.look()
        played = await observer.peaceful(stack, scenarios, again=not told)
        if controlled:
            await growth.look(played)
        back = await self._back(stack, scenarios, first, played, growth)
        control = await self._control(stack, scenarios, first, played, back.others)
        if controlled:
            await growth.look(control[len(back.others) :])
        began_orders = time.monotonic()
        if self._profile is not None and not again and self._has_orders(case) and first:
            await self._explore(stack, first[0].startup, self._profile)
        orders_s = time.monotonic() - began_orders
        disturbed = await observer.disruptive(stack, scenarios, again=not told)
        if self.subject.thorough and self._is_controlled(stack, first):
            for scenario in comes_back(scenarios, disturbed, thorough=True):
                more = await come_back(observer, stack, [scenario], alone=True)
                control += tuple(more.others)
                back.second += more.second
        played += disturbed
        control += await repeated(observer, stack, scenarios, (*played, *control))
        timings = {"boot": round(booted - began, 3), "scenarios": round(time.monotonic() - booted, 3)}
        timings |= {"orders": round(orders_s, 3)} if self._ordered.get(case.environment) and case.boot.steady else {}
        return await observer.record(
            stack, first, played, timings, control=control, second=back.second, usage=growth.points
        )

    def _has_orders(self, case: Case) -> bool:
        return case.boot.steady and case.environment not in self.subject.attached

    async def _back(
        self,
        stack: Stack,
        scenarios: Sequence[Scenario],
        first: Sequence[Replica],
        played: Sequence[Transcript],
        growth: Growth,
    ) -> CameBack:
        """Users who come back, where the peaceful scenarios are played once more."""
        if not self._is_controlled(stack, first):
            return CameBack()
        returning = comes_back(scenarios, played, thorough=self.subject.thorough)
        return await come_back(self._observer, stack, returning, seen=growth.look)

    async def _control(
        self,
        stack: Stack,
        scenarios: Sequence[Scenario],
        first: Sequence[Replica],
        played: Sequence[Transcript],
        others: Sequence[Transcript],
    ) -> tuple[Transcript, ...]:
        """The peaceful scenarios once more: what differs then differs by chance. `others` were played so already."""
        if not self._is_controlled(stack, first):
            return ()
        return await play_again(self._observer, stack, scenarios, played, others)

    def _is_controlled(self, stack: Stack, first: Sequence[Replica]) -> bool:
        """Whether the peaceful scenarios are played more than once.

        Nothing is played twice, unless the scenario says so, where startup did not pass, where somebody is silent until
        an idle time is over, or where one may only look; other boots than the usual one are the baseline's matter.
        """
        boot, name = stack.case.boot, stack.case.environment
        baseline = next(iter(self.subject.environments))
        passed = all(one.startup is None or one.startup.status == "pass" for one in first)
        return passed and boot.hasten == 1 and name not in self.subject.attached and (boot.steady or name == baseline)

    async def _explore(self, stack: Stack, report: StartupReport | None, profile: OrderProfile) -> None:
        """Boot what the orders ask for and, where one of them fails, look for what it is in it that fails."""
        environment = self.subject.environments[stack.case.environment]
        boots = await self._explorer.plan(environment, report, profile)
        if boots is None:
            return
        self._coverage[environment.name] = str(boots)
        if boots.covering is not None:
            self._covered[environment.name] = boots.covering.coverage.covered, boots.covering.coverage.feasible
        async with self._explorer.beside(stack) as beside:
            if beside.cold_because:
                self._coverage[environment.name] += f"; all booted cold, for {beside.cold_because}"
            seen = await self._explorer.explore(beside, boots)
            self._ordered[environment.name] = seen
            if boots.covering is not None:
                causes = await self._shrinker.causes(beside, boots.covering.graph, seen)
                self._causes[environment.name] = causes

    def _how_busy(self, observations: Sequence[Observation]) -> str:
        """What the machines and the platforms' limits kept back, in words."""
        if self._mark is None:
            return ""
        stalls = STALLS.since(self._mark)
        if self._is_elsewhere:
            stalls = Stalls.of_all(one.stalls for one in observations if one.stalls is not None)
        granted = [one.granted for one in observations if one.granted is not None]
        return f"{stalls}; {sum(granted, Granted())}" if granted else str(stalls)

    def _more(self, case: Case) -> CaseMore:
        """What that case showed beside its observation. The orders of an environment stand with its usual boot."""
        name, steady = case.environment, case.boot.steady
        late = [told for which, told in self._boots.unsteady if which == case]
        if steady:
            late += [told for where, told in self._explorer.unsteady if where == name]
        covered, feasible = self._covered.get(name, (0, 0)) if steady else (0, 0)
        return CaseMore(
            covered=covered,
            feasible=feasible,
            repeats=self._boots.repeats.get(case, ()),
            ordered=self._ordered.get(name, ()) if steady else (),
            coverage=self._coverage.get(name, "") if steady else "",
            explained=self._causes.get(name, ()) if steady else (),
            unsteady=tuple(late),
        )

    def _take(self, case: Case) -> None:
        """Take over what else that case showed where it was booted, and tell of its orders as of boots made here."""
        more = self._boots.taken.pop(case, None)
        if more is None or not more.coverage:
            return
        name, count = case.environment, len(more.ordered)
        self._coverage[name], self._covered[name] = more.coverage, (more.covered, more.feasible)
        self._ordered[name], self._causes[name] = more.ordered, more.explained
        self._emit(OrdersPlanned(case.id, name, more.coverage, count, more.covered, more.feasible))
        for done, one in enumerate(more.ordered, start=1):
            self._emit(OrderBooted(case.id, one.case.id, done, count, startup_of(one), one.case.boot))

    async def _confirmed(self, observations: tuple[Observation, ...]) -> Judgement:
        """What the rules find, and of what only warm boots show, what fresh containers show too.

        A finding that a cold boot does not reproduce is reported as what it is.
        """
        explained = [one for name in self.subject.environments for one in self._causes.get(name, ())]
        judgement = with_causes(judge(self.subject, observations), explained, observations)
        doubtful = only_warm(judgement, observations)
        if not doubtful:
            return judgement
        cold = {one.case: one for one in observations if not one.warm}
        wanted = cases_to_confirm(doubtful, observations)
        again = await asyncio.gather(*(self.cold(case) for case in wanted))
        cold |= dict(zip(wanted, again, strict=True))
        return confirm(judgement, doubtful, judge(self.subject, tuple(cold.values())))

    async def cold(self, case: Case) -> Observation:
        """What that case, which needs not be planned, shows in fresh containers."""
        if self._crew is not None:
            self._emit(Waiting(case.id, f"a cold boot to confirm {case}"))
            return await self._crew.cold(case)

        async def attempt(*, again: bool) -> Observation:
            if not again:
                self._emit(Waiting(case.id, f"a cold boot to confirm {case}"))
            return await self._explorer.observe_cold(case)

        return await self._boots.counted(case, attempt)


def _is_by_chance(finding: Finding) -> bool:
    """Whether it shows by chance, in the environments that were compared alike."""
    return isinstance(finding.cause, Chance) and finding.cause.alike
