"""The engine: plans the cases, boots each once, plays its scenarios, and asks the judge. Its faces are thin."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from envparity.case import Case
from envparity.engine.causes import CauseFinder
from envparity.engine.explore import BootsBeside, Explorer, OrderProfile
from envparity.engine.live_run import LiveRun
from envparity.engine.observer import Observer
from envparity.engine.outside import not_seen, urls, without_orders
from envparity.engine.plan import PlannedCase, left_out, plan
from envparity.engine.shrinking import OrderCause, OrderShrinker, with_causes
from envparity.engine.standing import Standing
from envparity.errors import ConfigurationError, DeadlineExceeded, Interrupted, LaunchError, Mistake
from envparity.events import CaseObserved, CaseStarted, Emit, RunFinished, RunStarted, Waiting
from envparity.isolate import with_partings
from envparity.judge import RULES, judge
from envparity.judge.confirm import cases_to_confirm, confirm, only_warm
from envparity.judge.finding import Judgement, Verdict
from envparity.launch.port import Launcher, Stack
from envparity.observe.record import Observation, StartupReport
from envparity.signals import ending_on_signals
from envparity.subject import Subject

__all__ = ["LiveRun", "Run", "run_to_verdict"]

_WORKERS = 3


class Run:
    """One run over one subject. Every case is booted at most once; its observation is remembered by the case.

    `workers` cases boot at the same time; most of a boot is waiting. Those in which somebody is silent until an idle
    time is over have as many places of their own, because they wait for nothing else. With `orders` every environment
    that passes its startup is booted in every order that matters, too. With `causes` what shows in some environments
    and not in others is booted in mixtures of the two until its cause is known.
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
        workers: int = _WORKERS,
    ) -> None:
        self.subject = subject
        attached = subject.attached
        self.cases = plan(subject.backend, subject.environments, only, orders=orders is not None, attached=attached)
        self._urls = urls(attached)
        self._without_orders = without_orders(attached) if orders is not None else ()
        self._left_out = left_out(subject.backend, subject.environments, only, attached)
        self._launcher = launcher
        self._emit = emit
        self._observer = Observer(subject.backend, launcher.name, launcher.run_id, emit, attached)
        self._explorer = Explorer(subject.backend, launcher, self._observer, emit)
        self._shrinker = OrderShrinker(subject, emit)
        self._finder = CauseFinder(subject, launcher, self._observer, emit) if causes else None
        self._profile = orders
        self._ordered: dict[str, tuple[Observation, ...]] = {}
        self._coverage: dict[str, str] = {}
        self._causes: list[OrderCause] = []
        self._booted: set[str] = set()
        self._standing: list[Standing] = []
        self._judged: Judgement | None = None
        self._under_way: dict[Case, asyncio.Task[Observation]] = {}
        self._slots = asyncio.Semaphore(workers)
        self._idle_slots = asyncio.Semaphore(workers)
        self._left = len(self.cases)
        self._began = time.monotonic()
        self._started = False

    async def observe(self, case: Case) -> Observation:
        """What that planned case showed: booted now, or remembered. `ConfigurationError` for a case not planned."""
        planned = next((one for one in self.cases if one.case == case), None)
        if planned is None:
            known = ", ".join(str(one.case) for one in self.cases)
            raise ConfigurationError([Mistake("run", 0, "case", f"one of {known}", str(case))])
        self._announce()
        if case not in self._under_way:
            self._under_way[case] = asyncio.create_task(self._observe(planned), name=f"case {case.id}")
        return await asyncio.shield(self._under_way[case])

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
            self._judged = judged if self._finder is None else await self._finder.explain(judged, observations)
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
            environments=tuple(self.subject.environments),
            cases=len(self.cases) + sum(map(len, self._ordered.values())),
            scenarios=sum(len(one.transcripts) for one in observations),
            rules=judgement.rules,
            findings=judgement.findings,
            exemptions=judgement.exemptions,
            coverage=tuple(f"{name}: {text}" for name, text in self._coverage.items()) + self._without_orders,
            duration_s=round(time.monotonic() - self._began, 1),
            attached=self._urls,
            left_out=self._left_out,
        )
        self._emit(RunFinished(verdict))
        return verdict

    async def stand(self, environment: str) -> Standing:
        """That environment, booted as it is, for boots beside it that nobody planned.

        Raises `ConfigurationError` where there is none of that name, `RuntimeError` where it stands already.
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
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        await self._launcher.close()

    def _announce(self) -> None:
        if self._started:
            return
        self._started = True
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
                rules=len(RULES),
                attached=self._urls,
            )
        )

    async def _observe(self, planned: PlannedCase) -> Observation:
        case = planned.case
        async with self._slots if case.boot.hasten == 1 else self._idle_slots:
            began = time.monotonic()
            self._emit(CaseStarted(case.id, case.environment, str(case), len(planned.scenarios)))
            try:
                async with self._boot(case) as stack:
                    observation = await self._look(planned, stack, began)
            except (LaunchError, DeadlineExceeded) as error:
                observation = self._observer.nothing(case, str(error))
            self._left -= 1
            self._emit(CaseObserved(case.id, observation, self._left, round(time.monotonic() - began, 1)))
            return observation

    @asynccontextmanager
    async def _boot(self, case: Case) -> AsyncIterator[Stack]:
        """Boot it; what a case makes is named by its id, so that it can be there once at a time."""
        if case.id in self._booted:
            raise RuntimeError(f"{case} stands already in this run; end that first")
        self._booted.add(case.id)
        try:
            async with self._launcher.boot(case, lambda what: self._emit(Waiting(case.id, what))) as stack:
                yield stack
        finally:
            self._booted.discard(case.id)

    @asynccontextmanager
    async def _stand(self, case: Case) -> AsyncIterator[BootsBeside]:
        async with self._boot(case) as stack:
            await stack.until_decided()
            async with self._explorer.beside(stack) as beside:
                yield beside

    async def _look(self, planned: PlannedCase, stack: Stack, began: float) -> Observation:
        """Peaceful scenarios overlap, then come the orders of this environment, and at last what disturbs the stack.

        Where startup did not pass and was meant to, one conversation shows what a client is told; the rest would only
        say the same again.
        """
        case, scenarios, observer = planned.case, planned.scenarios, self._observer
        await observer.see_through(stack, scenarios)
        booted = time.monotonic()
        first = await observer.replicas(stack)
        if case.boot.steady and any(one.startup is not None and one.startup.status != "pass" for one in first):
            scenarios = scenarios[:1]
        self._emit(Waiting(case.id, f"{len(scenarios)} scenarios"))
        played = await observer.peaceful(stack, scenarios)
        if self._profile is not None and case.boot.steady and first and case.environment not in self.subject.attached:
            await self._explore(stack, first[0].startup, self._profile)
        played += await observer.disruptive(stack, scenarios)
        timings = {"boot": round(booted - began, 3), "scenarios": round(time.monotonic() - booted, 3)}
        return await observer.record(stack, first, played, timings)

    async def _explore(self, stack: Stack, report: StartupReport | None, profile: OrderProfile) -> None:
        """Boot what the orders ask for and, where one of them fails, look for what it is in it that fails."""
        environment = self.subject.environments[stack.case.environment]
        boots = await self._explorer.plan(environment, report, profile)
        if boots is None:
            return
        self._coverage[environment.name] = str(boots)
        async with self._explorer.beside(stack) as beside:
            seen = await self._explorer.explore(beside, boots)
            self._ordered[environment.name] = seen
            if boots.covering is not None:
                self._causes += await self._shrinker.causes(beside, boots.covering.graph, seen)

    async def _confirmed(self, observations: tuple[Observation, ...]) -> Judgement:
        """What the rules find, and of what only warm boots show, what fresh containers show too.

        A finding that a cold boot does not reproduce is reported as what it is (EP902).
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
        async with self._slots:
            self._emit(Waiting(case.id, f"a cold boot to confirm {case}"))
            return await self._explorer.observe_cold(case)


def run_to_verdict(make_run: Callable[[], Run]) -> Verdict:
    """Run in an event loop of its own, and leave nothing behind however it ends.

    `make_run` is called before the loop begins: it may take its time (building images), and a signal ends it at once.
    Raises `Interrupted` after SIGINT or SIGTERM, when the cleaning is done; a second signal does not cut it short.
    """
    with ending_on_signals():
        run = make_run()

    async def main() -> Verdict:
        received: list[int] = []
        loop = asyncio.get_running_loop()
        work = asyncio.create_task(_verdict_then_close(run))

        def stop(number: int) -> None:
            if not received:
                work.cancel()
            received.append(number)

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        try:
            return await work
        except asyncio.CancelledError:
            if not received:
                raise
            raise Interrupted(received[0]) from None

    return asyncio.run(main())


async def _verdict_then_close(run: Run) -> Verdict:
    try:
        return await run.verdict()
    finally:
        await asyncio.shield(asyncio.create_task(run.close()))
