"""The engine: a case boots once, what fails is observed, and nothing is left behind however a run ends."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from envparity.engine.events import CaseObserved, CaseStarted, Event, RunFinished, RunStarted
from envparity.engine.live_run import LiveRun
from envparity.engine.run import Run
from envparity.engine.session.exits import code_of
from envparity.engine.to_verdict import run_to_verdict
from envparity.errors import (
    ConfigurationError,
    EngineFailed,
    EngineSilent,
    EnvparityError,
    Interrupted,
    LaunchError,
    TooBusy,
)
from envparity.launch.port import Stack, Waiting
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.observe.image import ImageRecord
from tests.envparity.engine.quiet_run import PROJECT, CountingLauncher


async def test_a_case_is_booted_once_whoever_asks() -> None:
    """Boot once, judge often."""
    launcher = CountingLauncher()
    run = Run(PROJECT, launcher, lambda _event: None)
    local = run.cases[0].case
    first, second, _ = await asyncio.gather(run.observe(local), run.observe(local), run.observe_all())
    assert first is second
    assert sorted(case.environment for case in launcher.booted) == ["local", "staging"]


async def test_who_waits_for_an_idle_time_keeps_nobody_from_booting() -> None:
    """With one place for boots, what only waits does not hold it."""
    silent = Scenario("silent", boot=Boot(hasten=6))
    project = Project(replace(PROJECT.backend, scenarios=(silent,)), {"local": Environment("local")})
    launcher = CountingLauncher(hangs=True)
    run = Run(project, launcher, lambda _event: None, workers=1)
    everything = asyncio.create_task(run.observe_all())
    async with asyncio.timeout(10):
        await launcher.both.wait()
    assert sorted(case.boot.hasten for case in launcher.booted) == [1, 6]
    everything.cancel()
    await run.close()


async def test_the_verdict_says_what_containers_were_made_from() -> None:
    """As the launcher does."""
    launcher = CountingLauncher()
    launcher.images = (ImageRecord("redis", "envparity/redis:1", "sha256:1", packages=("libc6 2.36",)),)
    assert (await Run(PROJECT, launcher, lambda _event: None).verdict()).images == launcher.images


async def test_the_stream_begins_with_the_run_and_ends_with_the_verdict() -> None:
    """And says how many cases are left after each."""
    events: list[Event] = []
    verdict = await Run(PROJECT, CountingLauncher(), events.append).verdict()
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].verdict == verdict
    assert sum(isinstance(event, CaseStarted) for event in events) == 2
    assert sorted(event.left for event in events if isinstance(event, CaseObserved)) == [0, 1]


async def test_an_environment_that_cannot_be_stood_up_is_a_finding() -> None:
    """Not a crash, and not a clean verdict."""
    verdict = await Run(PROJECT, CountingLauncher(fails=True), lambda _event: None).verdict()
    assert [(finding.code, set(finding.environments)) for finding in verdict.findings] == [
        ("EP901", {"local", "staging"})
    ]
    assert verdict.exit_code == 1


class DyingLauncher(CountingLauncher):
    """What it boots on dies behind the first of its boots, in that way; cleaning fails then too."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.dead = asyncio.Event()

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        if environment.name != "local":
            await self.dead.wait()
            raise self.error
        try:
            async with super().boot(environment, boot, waiting) as stack:
                yield stack
        finally:
            asyncio.get_running_loop().call_later(0.1, self.dead.set)

    async def close(self) -> None:
        raise EngineFailed("and nothing can be removed")


DEATHS: dict[str, tuple[Exception, type[Exception]]] = {
    "the engine dies": (EngineFailed("it is gone"), EngineFailed),
    "the engine freezes": (EngineSilent("it", 60), EngineSilent),
    "the disk is full": (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/x"), LaunchError),  # noqa: S108
    "there is no memory": (MemoryError(), LaunchError),
    "it is too busy": (TooBusy("it"), TooBusy),
    "envparity has a bug": (KeyError("x"), KeyError),
}


@pytest.mark.parametrize("death", DEATHS)
def test_what_was_seen_before_the_machine_gave_out_is_judged_and_told(death: str) -> None:
    """The last event is a verdict that is never clean; what is raised is what ended it, and not the cleaning."""
    error, raised = DEATHS[death]
    events: list[Event] = []
    with pytest.raises(raised) as caught:
        run_to_verdict(lambda: Run(PROJECT, DyingLauncher(error), events.append))
    assert isinstance(events[-1], RunFinished)
    verdict = events[-1].verdict
    assert (verdict.environments, verdict.cases, verdict.planned) == (("local",), 1, 2)
    assert (verdict.findings, verdict.clean, verdict.exit_code) == ((), False, 3)
    assert verdict.broken_off
    if isinstance(caught.value, EnvparityError):
        assert caught.value.seen
        assert code_of(caught.value) == 3


async def test_where_nothing_was_seen_there_is_no_verdict_at_all() -> None:
    events: list[Event] = []
    launcher = DyingLauncher(EngineFailed("it is gone"))
    launcher.dead.set()
    only_staging = Project(PROJECT.backend, {"staging": Environment("staging")})
    run = Run(only_staging, launcher, events.append)
    with pytest.raises(EngineFailed) as caught:
        await run.verdict()
    with pytest.raises(EngineFailed):
        await run.close()
    assert not caught.value.seen
    assert not any(isinstance(event, RunFinished) for event in events)


async def test_a_case_that_was_not_planned_is_refused() -> None:
    """With those that were."""
    run = Run(PROJECT, CountingLauncher(), lambda _event: None)
    with pytest.raises(ConfigurationError, match="one of local, staging"):
        await run.observe(Case("moon", "chat"))


async def test_closing_takes_down_what_is_still_booting() -> None:
    """However far it had come."""
    launcher = CountingLauncher(hangs=True)
    run = Run(PROJECT, launcher, lambda _event: None)
    asking = asyncio.create_task(run.observe_all())
    assert launcher.hanging is not None
    await launcher.hanging.wait()
    await run.close()
    assert launcher.open == 0
    assert launcher.closed
    assert isinstance((await asyncio.gather(asking, return_exceptions=True))[0], asyncio.CancelledError)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_clean_with_its_exit_code(number: signal.Signals) -> None:
    """128 plus the signal's number, after everything was taken down; a second signal does not cut that short."""
    launchers: list[CountingLauncher] = []

    def event(event: Event) -> None:
        if isinstance(event, CaseStarted):
            loop = asyncio.get_running_loop()
            loop.call_soon(os.kill, os.getpid(), number)
            loop.call_soon(os.kill, os.getpid(), number)

    def make_run() -> Run:
        launchers.append(CountingLauncher(hangs=True))
        return Run(PROJECT, launchers[0], event)

    with pytest.raises(Interrupted) as raised:
        run_to_verdict(make_run)
    assert raised.value.exit_code == 128 + number
    assert launchers[0].closed
    assert launchers[0].open == 0


def test_a_plain_function_can_ask_a_live_run() -> None:
    """The synchronous face gives the same observations, and closes the run at its end."""
    launcher = CountingLauncher()
    with LiveRun(lambda: Run(PROJECT, launcher, lambda _event: None)) as live:
        observations: Any = live.observe_all()
        assert [observation.case.environment for observation in observations] == ["local", "staging"]
        assert live.verdict().environments == ("local", "staging")
    assert launcher.closed
