"""What came to a deadline counts as it shows alone: once more, with nothing beside it, before anybody is told of it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import cast

import pytest

from envparity.engine.boots import Boots
from envparity.engine.events import CaseStarted, Emit, Event
from envparity.engine.observer import Observer
from envparity.engine.plan import PlannedCase
from envparity.engine.want_of_time import Doubt, for_want_of_time
from envparity.errors import EngineFailed, LaunchError, TooBusy
from envparity.launch.port import Launcher, Stack, Waiting
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.support.stalls import STALLS, Stalls

BACKEND = Backend("chat", Path("backend.toml"), ImageSource(name="chat"))
PROJECT = Project(BACKEND, {name: Environment(name) for name in ("local", "staging")})
LOCAL, STAGING = Case("local", "chat"), Case("staging", "chat")


class Shown:
    """An attempt that fails for want of time as often as it is told to, and keeps how many others were beside it."""

    def __init__(self, boots: Boots, case: Case, late: int) -> None:
        self._boots, self._case, self._late = boots, case, late
        self.beside: list[int] = []
        self.under_way = 0

    async def __call__(self, *, again: bool) -> Observation:
        assert again == bool(self.beside)
        self.under_way += 1
        self.beside.append(self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        failure = "the backend to be ready, waited for 1 s in vain" if len(self.beside) <= self._late else None
        return Observation(self._case, "fake", "00000000", launch_failure=failure)


def boots_of(launcher: Launcher | None = None, emit: Emit = print) -> Boots:
    observer = Observer(BACKEND, "fake", "00000000", print, {})

    async def look(
        planned: PlannedCase, stack: Stack, began: float, *, again: bool, told: bool = True, doubt: Doubt | None = None
    ) -> Observation:
        del planned, stack, began, again, told, doubt
        raise AssertionError("nothing is planned here")

    return Boots(PROJECT, cast("Launcher", launcher), observer, emit, look, planned=0, workers=2)


async def test_what_does_not_come_to_a_deadline_is_booted_once() -> None:
    boots = boots_of()
    shown = Shown(boots, LOCAL, late=0)
    assert (await boots.counted(LOCAL, shown, print)).launch_failure is None
    assert (len(shown.beside), boots.unsteady) == (1, [])


async def test_what_does_not_show_alone_is_told_as_unsteady() -> None:
    """The second boot counts; the first is said, and decides nothing."""
    boots = boots_of()
    shown = Shown(boots, LOCAL, late=1)
    assert (await boots.counted(LOCAL, shown, print)).launch_failure is None
    assert len(shown.beside) == 2
    assert len(boots.unsteady) == 1


async def test_what_shows_alone_as_well_counts() -> None:
    boots = boots_of()
    shown = Shown(boots, LOCAL, late=2)
    assert (await boots.counted(LOCAL, shown, print)).launch_failure is not None
    assert (len(shown.beside), boots.unsteady) == (2, [])


async def test_nothing_is_beside_what_is_shown_alone() -> None:
    """Whoever has a place ends first, and whoever wants one waits."""
    boots = boots_of()
    held, go_on = asyncio.Event(), asyncio.Event()
    order: list[str] = []

    async def slow(*, again: bool) -> Observation:
        del again
        held.set()
        await go_on.wait()
        order.append("slow ends")
        return Observation(STAGING, "fake", "00000000")

    class Told(Shown):
        async def __call__(self, *, again: bool) -> Observation:
            order.append("alone" if again else "beside")
            if not again:
                asyncio.get_running_loop().call_later(0, go_on.set)
            return await super().__call__(again=again)

    other = asyncio.create_task(boots.counted(STAGING, slow, print))
    await held.wait()
    await boots.counted(LOCAL, Told(boots, LOCAL, late=1), print)
    await other
    assert order == ["beside", "slow ends", "alone"]


async def test_after_some_that_failed_alone_too_a_deadline_is_believed_at_once() -> None:
    """A backend that always hangs costs its deadline no more than a few times twice."""
    boots = boots_of()
    attempts = [Shown(boots, LOCAL, late=2) for _ in range(5)]
    for shown in attempts:
        await boots.counted(LOCAL, shown, print)
    assert [len(shown.beside) for shown in attempts] == [2, 2, 2, 1, 1]


async def test_a_machine_that_is_too_busy_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it fails alone as well, and the machine stood still meanwhile, nobody can say whose fault it is."""
    boots = boots_of()
    stalled = Stalls(seconds=10.0, stalled_s=9.9, longest_lag_s=9.0)
    monkeypatch.setattr(STALLS, "since", lambda _mark: stalled)
    assert stalled.too_great
    with pytest.raises(TooBusy):
        await boots.counted(LOCAL, Shown(boots, LOCAL, late=2), print)


async def test_a_case_that_boots_once_more_is_told_as_that_with_the_reason() -> None:
    class Failing:
        def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AbstractAsyncContextManager[Stack]:
            del environment, boot, waiting
            raise LaunchError("no room")

    events: list[Event] = []
    boots = boots_of(cast("Launcher", Failing()), events.append)
    seen = await boots.observe(PlannedCase(LOCAL, ()))
    told = [event.doubted for event in events if isinstance(event, CaseStarted)]
    assert told == ["", *for_want_of_time(seen)]


async def test_the_engines_own_failure_is_tried_once_more_and_then_raised() -> None:
    """The first may be another's doing; the second is an error of the machine's, and no finding."""

    class Failing:
        booted = 0

        def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AbstractAsyncContextManager[Stack]:
            del environment, boot, waiting
            Failing.booted += 1
            raise EngineFailed("a container is gone")

    run = boots_of(cast("Launcher", Failing()))
    with pytest.raises(LaunchError):
        await run.observe(PlannedCase(LOCAL, ()))
    assert Failing.booted == 2
