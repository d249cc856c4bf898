"""A run that ends in the middle of a search for causes: what it has found is its last event, and never clean."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from envparity.engine.events import CaseObserved, Event, RunFinished, Waiting
from envparity.engine.run import Run
from envparity.engine.session.exits import code_of
from envparity.engine.to_verdict import run_to_verdict
from envparity.errors import EngineFailed, EngineSilent, EnvparityError, Interrupted, LaunchError, TooBusy
from envparity.judge.cause import TraitsCause
from envparity.judge.finding import Verdict
from envparity.launch.port import Launcher, Stack
from envparity.launch.port import Waiting as Tell
from envparity.model.case import Boot
from envparity.model.environment import Environment
from envparity.model.project import Project
from tests.envparity.engine.scripted_hybrids import LOCAL, STAGING, Booting, given

FAR = Environment("far", settings={"MODE": "usual", "OTHER": "on"})


def fails(environment: Environment) -> bool | str:
    return "other" if "OTHER" in environment.settings else environment.settings.get("MODE") == "strict"


class Dying(Booting):
    """What boots dies when it is asked for a hybrid of `far`, once another cause is known; `open` stands at present."""

    def __init__(self, project: Project, error: Exception) -> None:
        super().__init__(project, fails, lambda _one: True)
        self._error = error
        self.run: Run | None = None
        self.open = 0
        self.closed = False

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Tell) -> AsyncIterator[Stack]:
        self.open += 1
        try:
            if "OTHER" in environment.settings and environment.name != "far":
                while self.run is not None and not any(finding.cause for finding in self.run.finder.so_far):  # noqa: ASYNC110
                    await asyncio.sleep(0)
                raise self._error
            async with super().boot(environment, boot, waiting) as stack:
                yield stack
        finally:
            self.open -= 1

    async def close(self) -> None:
        self.closed = True


DEATHS: dict[str, tuple[Exception, type[EnvparityError]]] = {
    "the engine dies": (EngineFailed("it is gone"), EngineFailed),
    "the engine freezes": (EngineSilent("it", 60), EngineSilent),
    "the disk is full": (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x"), LaunchError),
    "it is too busy": (TooBusy("it"), TooBusy),
}


def found(verdict: Verdict) -> set[tuple[str, str]]:
    return {(finding.code, name) for finding in verdict.findings for name in finding.environments}


def found_in_all() -> set[tuple[str, str]]:
    """What a run shows that nothing ends and that looks for no causes."""
    project, launcher, _ = given(fails, LOCAL, STAGING, FAR)
    return found(run_to_verdict(lambda: Run(project, cast("Launcher", launcher), lambda _event: None)))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("death", DEATHS)
def test_what_the_machine_ends_keeps_its_findings_and_the_causes_that_are_known(death: str) -> None:
    error, raised = DEATHS[death]
    project, _, events = given(fails, LOCAL, STAGING, FAR)
    launcher = Dying(project, error)

    def make_run() -> Run:
        launcher.run = Run(project, cast("Launcher", launcher), events.append, causes=True)
        return launcher.run

    with pytest.raises(raised) as caught:
        run_to_verdict(make_run)
    assert code_of(caught.value) == 3
    assert caught.value.seen
    assert sum(isinstance(event, CaseObserved) for event in events) == 3
    assert isinstance(events[-1], RunFinished)
    verdict = events[-1].verdict
    assert (verdict.cases, verdict.planned, verdict.exit_code) == (3, 3, 3)
    assert verdict.broken_off
    assert found(verdict) == found_in_all()
    known = {finding.environments for finding in verdict.findings if isinstance(finding.cause, TraitsCause)}
    assert known == {("staging",)}
    assert launcher.open == 0
    assert launcher.closed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_what_a_signal_ends_keeps_its_findings(number: signal.Signals) -> None:
    """They are told when all is taken down; the exit code is the signal's."""
    project, launcher, _ = given(fails, LOCAL, STAGING, FAR)
    events: list[Event] = []

    def take(event: Event) -> None:
        events.append(event)
        if isinstance(event, Waiting) and "to find what makes" in event.waited_for:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as caught:
        run_to_verdict(lambda: Run(project, cast("Launcher", launcher), take, causes=True))
    assert code_of(caught.value) == 128 + number
    assert caught.value.seen
    assert [isinstance(event, RunFinished) for event in events].count(True) == 1
    assert isinstance(events[-1], RunFinished)
    verdict = events[-1].verdict
    assert number.name in verdict.broken_off
    assert found(verdict) == found_in_all()
    assert not verdict.clean


def test_what_was_told_as_the_verdict_is_not_told_again() -> None:
    """A signal while a run that is over takes its last things down."""
    project, _, _ = given(fails, LOCAL, STAGING)
    events: list[Event] = []

    def take(event: Event) -> None:
        events.append(event)
        if isinstance(event, RunFinished):
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)

    class Slow(Booting):
        async def close(self) -> None:
            for _ in range(100):
                await asyncio.sleep(0.001)

    slow = Slow(project, fails, lambda _one: True)
    with pytest.raises(Interrupted) as caught:
        run_to_verdict(lambda: Run(project, cast("Launcher", slow), take))
    assert not caught.value.seen
    assert [isinstance(event, RunFinished) for event in events].count(True) == 1
    assert not events[-1].verdict.broken_off if isinstance(events[-1], RunFinished) else False
