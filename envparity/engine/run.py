"""The engine: plans the cases, boots each once, plays its scenarios, and asks the judge. Its faces are thin."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from envparity.engine.boots import Boots
from envparity.engine.causes import CauseFinder
from envparity.engine.events import Emit, RunFinished, RunStarted, Waiting
from envparity.engine.explore import BootsBeside, Explorer, OrderProfile
from envparity.engine.observer import Observer
from envparity.engine.outside import not_seen, urls, without_orders
from envparity.engine.plan import PlannedCase, left_out, plan
from envparity.engine.plays import play_again, repeated
from envparity.engine.repeats import with_rates
from envparity.engine.shrinking import Explained, OrderShrinker, with_causes
from envparity.engine.standing import Standing
from envparity.errors import ConfigurationError, Mistake
from envparity.isolate import with_partings
from envparity.judge import every_rule, judge
from envparity.judge.cause import Chance
from envparity.judge.confirm import cases_to_confirm, confirm, only_warm
from envparity.judge.entries import with_entries
from envparity.judge.finding import Finding, Judgement, Verdict
from envparity.judge.unmatched import unmatched
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
    ) -> None:
        self.subject = subject
        attached = subject.attached
        self.cases = plan(subject.backend, subject.environments, only, orders=orders is not None, attached=attached)
        self._urls = urls(attached)
        self._without_orders = without_orders(attached) if orders is not None else ()
        self._partial = bool(only)
        self._left_out = left_out(subject.backend, subject.environments, only, attached)
        self._launcher = launcher
        self._emit = emit
        self._observer = Observer(subject.backend, launcher.name, launcher.run_id, emit, attached)
        self._boots = Boots(
            subject, launcher, self._observer, emit, self._look, planned=len(self.cases), workers=workers, repeat=repeat
        )
        self._explorer = Explorer(subject.backend, launcher, self._observer, emit)
        self._shrinker = OrderShrinker(subject, emit)
        places = self._boots.places
        self._finder = CauseFinder(subject, launcher, self._observer, emit, places=places) if causes else None
        self._profile = orders
        self._ordered: dict[str, tuple[Observation, ...]] = {}
        self._coverage: dict[str, str] = {}
        self._causes: list[Explained] = []
        self._standing: list[Standing] = []
        self._judged: Judgement | None = None
        self._mark: StallMark | None = None
        self._began = time.monotonic()
        self._started = False

    async def observe(self, case: Case) -> Observation:
        """What that planned case showed: booted now, or remembered. `ConfigurationError` for a case not planned."""
        planned = next((one for one in self.cases if one.case == case), None)
        if planned is None:
            known = ", ".join(str(one.case) for one in self.cases)
            raise ConfigurationError([Mistake("run", 0, "case", f"one of {known}", str(case))])
        self._announce()
        return await self._boots.observe(planned)

    async def observe_all(self) -> tuple[Observation, ...]:
        """Every planned case, in the order of the plan, and behind them the orders of each environment."""
        planned = await asyncio.gather(*(self.observe(one.case) for one in self.cases))
        ordered = [one for name in self.subject.environments for one in self._ordered.get(name, ())]
        return (*planned, *ordered)

    async def judgement(self) -> Judgement:
        """What the rules find in all of it; nothing stands in it on the word of a warm boot alone."""
        if self._judged is None:
            observations = await self.observe_all()
            judged = with_partings(await self._confirmed(observations), self.subject, observations)
            judged = with_rates(self.subject, judged, observations, self._boots.repeats)
            judged = judged if self._finder is None else await self._finder.explain(judged, observations)
            self._judged = with_entries(judged)
        return self._judged

    async def verdict(self) -> Verdict:
        """Observe everything, judge it, and say so as the stream's last event."""
        observations = await self.observe_all()
        judgement = await self.judgement()
        verdict = Verdict(
            run_id=self._launcher.run_id,
            launcher=self._launcher.name,
            cannot_check=self._launcher.cannot_check + not_seen(observations),
            reason=self._launcher.reason,
            images=self._launcher.images,
            stalls="" if self._mark is None else _how_busy(STALLS.since(self._mark), observations),
            unsteady=(*self._boots.unsteady, *self._explorer.unsteady),
            environments=tuple(self.subject.environments),
            cases=len(self.cases) + sum(map(len, self._ordered.values())),
            scenarios=sum(len(one.transcripts) for one in observations),
            rules=judgement.rules,
            findings=tuple(one for one in judgement.findings if not _is_by_chance(one)),
            by_chance=tuple(one for one in judgement.findings if _is_by_chance(one)),
            exemptions=judgement.exemptions,
            coverage=tuple(f"{name}: {text}" for name, text in self._coverage.items()) + self._without_orders,
            duration_s=round(time.monotonic() - self._began, 1),
            attached=self._urls,
            left_out=self._left_out,
            notes=() if self._partial else unmatched(self.subject.backend, observations),
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
        self._announce()
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

    def _announce(self) -> None:
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
                attached=self._urls,
            )
        )

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
        await observer.see_through(stack, scenarios)
        booted = time.monotonic()
        first = await observer.replicas(stack)
        if case.boot.steady and any(one.startup is not None and one.startup.status != "pass" for one in first):
            scenarios = scenarios[:1]
        if told:
            self._emit(Waiting(case.id, f"{len(scenarios)} scenarios"))
        played = await observer.peaceful(stack, scenarios, again=not told)
        control = await self._control(stack, scenarios, first, played)
        if self._profile is not None and not again and self._has_orders(case) and first:
            await self._explore(stack, first[0].startup, self._profile)
        played += await observer.disruptive(stack, scenarios, again=not told)
        control += await repeated(observer, stack, scenarios, (*played, *control))
        timings = {"boot": round(booted - began, 3), "scenarios": round(time.monotonic() - booted, 3)}
        return await observer.record(stack, first, played, timings, control=control)

    def _has_orders(self, case: Case) -> bool:
        return case.boot.steady and case.environment not in self.subject.attached

    async def _control(
        self, stack: Stack, scenarios: Sequence[Scenario], first: Sequence[Replica], played: Sequence[Transcript]
    ) -> tuple[Transcript, ...]:
        """The peaceful scenarios once more: what differs then differs by chance.

        Nothing is played twice, unless the scenario says so, where startup did not pass, where somebody is silent until
        an idle time is over, or where one may only look; other boots than the usual one are the baseline's matter.
        """
        boot, name = stack.case.boot, stack.case.environment
        baseline = next(iter(self.subject.environments))
        passed = all(one.startup is None or one.startup.status == "pass" for one in first)
        if not passed or boot.hasten != 1 or name in self.subject.attached or not (boot.steady or name == baseline):
            return ()
        return await play_again(self._observer, stack, scenarios, played)

    async def _explore(self, stack: Stack, report: StartupReport | None, profile: OrderProfile) -> None:
        """Boot what the orders ask for and, where one of them fails, look for what it is in it that fails."""
        environment = self.subject.environments[stack.case.environment]
        boots = await self._explorer.plan(environment, report, profile)
        if boots is None:
            return
        self._coverage[environment.name] = str(boots)
        async with self._explorer.beside(stack) as beside:
            if beside.cold_because:
                self._coverage[environment.name] += f"; all booted cold, for {beside.cold_because}"
            seen = await self._explorer.explore(beside, boots)
            self._ordered[environment.name] = seen
            if boots.covering is not None:
                self._causes += await self._shrinker.causes(beside, boots.covering.graph, seen)

    async def _confirmed(self, observations: tuple[Observation, ...]) -> Judgement:
        """What the rules find, and of what only warm boots show, what fresh containers show too.

        A finding that a cold boot does not reproduce is reported as what it is.
        """
        judgement = with_causes(judge(self.subject, observations), self._causes, observations)
        doubtful = only_warm(judgement, observations)
        if not doubtful:
            return judgement
        cold = {one.case: one for one in observations if not one.warm}
        wanted = cases_to_confirm(doubtful, observations)
        again = await asyncio.gather(*(self._cold(case) for case in wanted))
        cold |= dict(zip(wanted, again, strict=True))
        return confirm(judgement, doubtful, judge(self.subject, tuple(cold.values())))

    async def _cold(self, case: Case) -> Observation:
        async def attempt(*, again: bool) -> Observation:
            if not again:
                self._emit(Waiting(case.id, f"a cold boot to confirm {case}"))
            return await self._explorer.observe_cold(case)

        return await self._boots.counted(case, attempt)


def _how_busy(stalls: Stalls, observations: Sequence[Observation]) -> str:
    """What the machine and the platforms' limits kept back, in words."""
    granted = [one.granted for one in observations if one.granted is not None]
    return f"{stalls}; {sum(granted, Granted())}" if granted else str(stalls)


def _is_by_chance(finding: Finding) -> bool:
    """Whether it shows by chance, in the environments that were compared alike."""
    return isinstance(finding.cause, Chance) and finding.cause.alike
