"""Boots of planned cases: made when first asked for, remembered, and made again where want of time had a part in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Protocol

import msgspec

from envparity.engine.case_result import CaseMore, CaseResult
from envparity.engine.elsewhere import CaseSource, Crew
from envparity.engine.events import CaseObserved, CaseStarted, Emit, Waiting
from envparity.engine.further_boots import FurtherBoots
from envparity.engine.observer import Observer
from envparity.engine.places import Places
from envparity.engine.plan import PlannedCase
from envparity.engine.want_of_time import BootAttempt, Doubt, LateBoots, TellWhy, with_stalls
from envparity.errors import DeadlineExceeded, EngineFailed, EngineSilent, LaunchError
from envparity.launch.port import Launcher, Stack
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.support.once_each import OnceEach

__all__ = ["Boots", "Look"]


class Look(Protocol):
    """What is seen of a booted stack of that case, which began to boot at that moment in monotonic seconds."""

    async def __call__(
        self,
        planned: PlannedCase,
        stack: Stack,
        began: float,
        *,
        again: bool,
        told: bool = True,
        doubt: Doubt | None = None,
    ) -> Observation:
        """Play and observe it; `again` where the case was booted before. Not `told`: nobody needs to hear of it.

        Where a `doubt` settles it that the case is booted once more, the rest may be left to that boot.
        """


class Boots:
    """A cache from planned cases to what their boots showed.

    As many cases boot at the same time as the machine bears (`places`), `workers` at most. What came to a deadline is
    booted once more with nothing beside it, and that is what counts; `unsteady` says of each what did not show again.
    Each case is booted `repeat` times: `repeats` are all those boots of it but the one that is of most interest.
    With `elsewhere` none is booted here: what it says a case showed is taken. `told_whole`: an observation is told with
    all else that its case showed.
    """

    def __init__(
        self,
        project: Project,
        launcher: Launcher,
        observer: Observer,
        emit: Emit,
        look: Look,
        *,
        planned: int,
        workers: int | None,
        repeat: int = 1,
        elsewhere: CaseSource | None = None,
        told_whole: Callable[[Case], CaseMore] | None = None,
    ) -> None:
        self._elsewhere, self._told_whole = elsewhere, told_whole
        self._attached, self._environments = project.attached, project.environments
        self._launcher = launcher
        self._observer = observer
        self._emit = emit
        self._look = look
        self._left = planned
        self._under_way: OnceEach[Case, Observation] = OnceEach()
        self.late = LateBoots(every=True)
        self.places = Places(workers)
        self.unsteady: list[tuple[Case, str]] = []
        self._further = FurtherBoots(repeat, project.attached, emit)
        self.taken: dict[Case, CaseMore] = {}

    @property
    def repeats(self) -> dict[Case, tuple[Observation, ...]]:
        """All boots of each case but the one that is of most interest, where there is more than one."""
        return self._further.repeats

    async def observe(self, planned: PlannedCase) -> Observation:
        """What that case showed: booted now, or remembered."""
        case = planned.case
        return await self._under_way.once(case, lambda: self._observe(planned), f"case {case.id}")

    @property
    def seen(self) -> tuple[Observation, ...]:
        """What the cases showed whose boots came to their end, of the cases that were stood up."""
        return tuple(result for result in self._under_way.results if result.launch_failure is None)

    def boot(self, case: Case) -> AbstractAsyncContextManager[Stack]:
        """That case, booted, whoever has booted it before; what is waited for is told."""
        environment = self._environments[case.environment]
        return self._launcher.boot(environment, case.boot, lambda what: self._emit(Waiting(case.id, what)))

    async def close(self) -> None:
        """Cancel what is under way, and wait for its end."""
        await self._under_way.cancel()

    async def counted(
        self, case: Case, attempt: BootAttempt, doubted: TellWhy, *, idle: bool = False, doubt: Doubt | None = None
    ) -> Observation:
        """What `attempt` shows in one of the places, or, where that came to a deadline, alone: that is what counts.

        `doubted` is told why it is made again. After `MOST_LATE_ALONE` that came to one alone as well, the first is
        believed. Raises `TooBusy` where the machine lets nobody judge it.
        """
        place = self.places.place(idle=idle)
        if case.environment in self._attached:
            async with place:
                return await with_stalls(lambda: attempt(again=False))
        observation, reasons = await self.late.believed(
            attempt, place, self.places.alone(), doubted=doubted, doubt=doubt
        )
        if reasons:
            told = f"{case}: {'; '.join(reasons)} (in 1 of 2 boots, not when it booted alone)"
            self.unsteady.append((case, told))
        return observation

    async def once_more(self, planned: PlannedCase) -> Observation:
        """What one more boot of that case shows, of which nobody needs to hear."""
        async with self.places.place(idle=planned.case.boot.hasten != 1):
            return await with_stalls(lambda: self._boot_and_look(planned, repeated=True))

    async def _observe(self, planned: PlannedCase) -> Observation:
        case = planned.case
        began = time.monotonic()
        doubt = None if case.environment in self._attached else Doubt(self.late)

        async def attempt(*, again: bool) -> Observation:
            nonlocal began
            if not again:
                began = time.monotonic()  # it had to wait for its place
                self._begins(planned)
            return await self._boot_and_look(planned, again=again, doubt=None if again else doubt)

        if self._elsewhere is None:
            begins, idle = partial(self._begins, planned), case.boot.hasten != 1
            observation = await self.counted(case, attempt, begins, idle=idle, doubt=doubt)
            observation = await self._further.beside(planned.case, observation, lambda _nth: self.once_more(planned))
            duration_s = round(time.monotonic() - began, 1)
        else:
            result = await self._taken(planned, self._elsewhere)
            observation, duration_s = result.observation, result.duration_s
        self._left -= 1
        more = None if self._told_whole is None else self._told_whole(case)
        self._emit(CaseObserved(case.id, observation, self._left, duration_s, more))
        return observation

    async def _taken(self, planned: PlannedCase, elsewhere: CaseSource) -> CaseResult:
        """What that case showed elsewhere, and as many further boots as are asked for, where others can make them."""
        case = planned.case
        self._begins(planned)
        result = await elsewhere.case(planned)
        self.taken[case] = result.more
        self.unsteady += [(case, told) for told in result.more.unsteady]
        observation = result.observation
        if isinstance(elsewhere, Crew):
            crew = elsewhere
            observation = await self._further.beside(planned.case, observation, lambda nth: crew.again(planned, nth))
        elif result.more.repeats:
            self.repeats[case] = result.more.repeats
        return msgspec.structs.replace(result, observation=observation)

    def _begins(self, planned: PlannedCase, doubted: str = "") -> None:
        case = planned.case
        self._emit(CaseStarted(case.id, case.environment, str(case), len(planned.scenarios), doubted))

    async def _boot_and_look(
        self, planned: PlannedCase, *, again: bool = False, repeated: bool = False, doubt: Doubt | None = None
    ) -> Observation:
        """What the engine itself fails at is raised with `again`; else it is an observation, and tried once more.

        An engine that does not answer is not waited for again.
        """
        began, looked_at = time.monotonic(), again or repeated
        try:
            async with self.boot(planned.case) as stack:
                return await self._look(planned, stack, began, again=looked_at, told=not repeated, doubt=doubt)
        except (LaunchError, DeadlineExceeded) as error:
            if isinstance(error, EngineSilent) or (again and isinstance(error, EngineFailed)):
                raise
            return self._observer.nothing(planned.case, str(error))
