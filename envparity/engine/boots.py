"""Boots of planned cases: made when first asked for, remembered, and made again where want of time had a part in it."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from envparity.engine.events import CaseObserved, CaseStarted, Emit, Waiting
from envparity.engine.observer import Observer
from envparity.engine.places import Places
from envparity.engine.plan import PlannedCase
from envparity.engine.repeats import of_most_interest
from envparity.engine.want_of_time import MOST_LATE_ALONE, for_want_of_time, with_stalls
from envparity.errors import DeadlineExceeded, EngineFailed, LaunchError, TooBusy
from envparity.launch.port import Launcher, Stack
from envparity.model.case import Case
from envparity.model.subject import Subject
from envparity.observe.record import Observation
from envparity.support.together import together

__all__ = ["Attempt", "Boots", "Look"]


class Look(Protocol):
    """What is seen of a booted stack of that case, which began to boot at that moment in monotonic seconds."""

    async def __call__(
        self, planned: PlannedCase, stack: Stack, began: float, *, again: bool, told: bool = True
    ) -> Observation:
        """Play and observe it; `again` where the case was booted before. Not `told`: nobody needs to hear of it."""


class Attempt(Protocol):
    """A boot, and what is seen of it."""

    async def __call__(self, *, again: bool) -> Observation:
        """Boot and observe; `again` where it was done before."""


class Boots:
    """A cache from planned cases to what their boots showed.

    As many cases boot at the same time as the machine bears (`places`), `workers` at most. What came to a deadline is
    booted once more with nothing beside it, and that is what counts; `unsteady` says of each what did not show again.
    Each case is booted `repeat` times: `repeats` are all those boots of it but the one that is of most interest.
    """

    def __init__(
        self,
        subject: Subject,
        launcher: Launcher,
        observer: Observer,
        emit: Emit,
        look: Look,
        *,
        planned: int,
        workers: int | None,
        repeat: int = 1,
    ) -> None:
        self._repeat = repeat
        self._attached = subject.attached
        self._launcher = launcher
        self._observer = observer
        self._emit = emit
        self._look = look
        self._left = planned
        self._under_way: dict[Case, asyncio.Task[Observation]] = {}
        self._repeated = 0
        self.places = Places(workers)
        self.unsteady: list[str] = []
        self.repeats: dict[Case, tuple[Observation, ...]] = {}

    async def observe(self, planned: PlannedCase) -> Observation:
        """What that case showed: booted now, or remembered."""
        case = planned.case
        if case not in self._under_way:
            self._under_way[case] = asyncio.create_task(self._observe(planned), name=f"case {case.id}")
        return await asyncio.shield(self._under_way[case])

    def boot(self, case: Case) -> AbstractAsyncContextManager[Stack]:
        """That case, booted, whoever has booted it before; what is waited for is told."""
        return self._launcher.boot(case, lambda what: self._emit(Waiting(case.id, what)))

    async def close(self) -> None:
        """Cancel what is under way, and wait for its end."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def counted(self, case: Case, attempt: Attempt, *, idle: bool = False) -> Observation:
        """What `attempt` shows in one of the places, or, where that came to a deadline, alone: that is what counts.

        After `MOST_LATE_ALONE` that came to one alone as well, the first is believed. Raises `TooBusy` where the
        machine lets nobody judge it.
        """
        async with self.places.place(idle=idle):
            observation = await with_stalls(lambda: attempt(again=False))
        reasons = for_want_of_time(observation)
        if not reasons or case.environment in self._attached or self._repeated >= MOST_LATE_ALONE:
            return observation
        async with self.places.alone():
            self._emit(Waiting(case.id, f"{case} once more, alone: {reasons[0]}"))
            alone = await with_stalls(lambda: attempt(again=True))
        again = for_want_of_time(alone)
        if again and alone.stalls is not None and alone.stalls.too_great:
            raise TooBusy(f"{case}: {again[0]}, but the machine is too busy to judge that: {alone.stalls}")
        if again:
            self._repeated += 1
        else:
            self.unsteady.append(f"{case}: {'; '.join(reasons)} (in 1 of 2 boots, not when it booted alone)")
        return alone

    async def _observe(self, planned: PlannedCase) -> Observation:
        case = planned.case
        began = time.monotonic()

        async def attempt(*, again: bool) -> Observation:
            nonlocal began
            if not again:
                began = time.monotonic()  # it had to wait for its place
                self._emit(CaseStarted(case.id, case.environment, str(case), len(planned.scenarios)))
            return await self._boot_and_look(planned, time.monotonic(), again=again)

        async def once_more() -> Observation:
            async with self.places.place(idle=case.boot.hasten != 1):
                return await with_stalls(lambda: self._boot_and_look(planned, time.monotonic(), repeated=True))

        observation = await self.counted(case, attempt, idle=case.boot.hasten != 1)
        if self._repeat > 1 and case.environment not in self._attached:
            self._emit(Waiting(case.id, f"{self._repeat - 1} more boots of {case}"))
            more = await together(*(once_more() for _ in range(self._repeat - 1)))
            observation, self.repeats[case] = of_most_interest((observation, *more))
        self._left -= 1
        self._emit(CaseObserved(case.id, observation, self._left, round(time.monotonic() - began, 1)))
        return observation

    async def _boot_and_look(
        self, planned: PlannedCase, began: float, *, again: bool = False, repeated: bool = False
    ) -> Observation:
        """What the engine itself fails at is raised with `again`; else it is an observation, and tried once more."""
        try:
            async with self.boot(planned.case) as stack:
                return await self._look(planned, stack, began, again=again or repeated, told=not repeated)
        except (LaunchError, DeadlineExceeded) as error:
            if again and isinstance(error, EngineFailed):
                raise
            return self._observer.nothing(planned.case, str(error))
