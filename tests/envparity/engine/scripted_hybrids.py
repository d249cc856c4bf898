"""Hybrids whose boots are scripted by what their environment is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec

from envparity.engine.causes import CauseFinder
from envparity.engine.events import Event
from envparity.engine.observer import Observer
from envparity.engine.run import Run
from envparity.errors import LaunchError
from envparity.judge import judge
from envparity.judge.finding import Finding
from envparity.launch.controls import WarmBoots, WarmUnavailable
from envparity.launch.port import Launcher, Stack, Waiting
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment, Platform
from envparity.model.project import Project
from tests.envparity.launching import FakeStack, report

HARMLESS = {f"HARMLESS_{at:02}": "on" for at in range(40)}
LOCAL = Environment("local", settings={"MODE": "usual"})
STAGING = Environment("staging", settings={"MODE": "strict", **HARMLESS}, platform=Platform(cpus=1, memory_mib=512))
Fails = Callable[[Environment], bool | str]
"""Whether an environment fails, or at which component."""


def component_of(failure: bool | str) -> str:
    return failure if isinstance(failure, str) else "validation" if failure else ""


class Booting:
    """Boots whatever environment it is given: startup fails where `fails` says so. Keeps what it booted.

    Forks fail where `forks` says so; there are none without it. `forked` are the settings that each of them took, and
    `beside` the environment that they stand beside, for as long as it does.
    """

    name = "fake"
    run_id = "00000000"
    cannot_check = ()
    images = ()
    reason = ""

    def __init__(self, project: Project, fails: Fails, stands_up: Fails, forks: Fails | None = None) -> None:
        self._project, self._fails, self._stands_up, self._forks = project, fails, stands_up, forks
        self.booted: list[Environment] = []
        self.forked: list[dict[str, str]] = []
        self.beside: Environment | None = None

    @property
    def hybrids(self) -> list[Environment]:
        """Without the passing environment as it is, which is what forks stand beside."""
        return [
            environment
            for environment in self.booted
            if environment.name not in self._project.environments and environment.settings != LOCAL.settings
        ]

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        waiting("a stack")
        self.booted.append(environment)
        if not self._stands_up(environment):
            raise LaunchError("no room")
        failure = component_of(self._fails(environment))
        case = Case(environment.name, self._project.backend.name, boot)
        yield _Forkable(self, case, failure)

    class _Forks:
        def __init__(self, launcher: Booting, host: Case) -> None:
            self._launcher, self._host = launcher, host

        @asynccontextmanager
        async def boot(self, boot: Boot) -> AsyncIterator[Stack]:
            launcher = self._launcher
            assert launcher.beside is not None
            assert launcher._forks is not None
            launcher.forked.append(dict(boot.settings))
            as_given = msgspec.structs.replace(
                launcher.beside, settings={**launcher.beside.settings, **dict(boot.settings)}
            )
            failure = component_of(launcher._forks(as_given))
            case = Case(self._host.environment, self._host.backend, boot)
            yield cast("Stack", FakeStack(case, lambda _case: report(failure=failure)))

    async def close(self) -> None:
        """Nothing is left."""


class _Forkable(FakeStack):
    """A stack whose startup failed at that component, beside which there may be forks."""

    def __init__(self, launcher: Booting, case: Case, failure: str) -> None:
        super().__init__(case, lambda _case: report(failure=failure))
        self._booting = launcher

    @asynccontextmanager
    async def warm(self, lanes: int) -> AsyncIterator[WarmBoots]:
        del lanes
        launcher = self._booting
        if launcher._forks is None:
            raise WarmUnavailable("not Python")
        launcher.beside = next(
            environment for environment in launcher.booted if environment.name == self.case.environment
        )
        try:
            yield launcher._Forks(launcher, self.case)
        finally:
            launcher.beside = None


def given(
    fails: Fails,
    *environments: Environment,
    stands_up: Fails = lambda _one: True,
    forks: Fails | None = None,
) -> tuple[Project, Booting, list[Event]]:
    backend = Backend("chat", Path("backend.toml"), ImageSource(name="chat"))
    project = Project(backend, {environment.name: environment for environment in environments or (LOCAL, STAGING)})
    return project, Booting(project, fails, stands_up, forks), []


async def explained(fails: Fails, *environments: Environment, **options: Any) -> tuple[Finding, Booting]:
    """The finding about the startup of a run that looks for causes."""
    stands_up = options.pop("stands_up", lambda _one: True)
    project, launcher, events = given(fails, *environments, stands_up=stands_up, forks=options.pop("forks", None))
    observer = Observer(project.backend, "fake", "00000000", events.append)
    run = Run(project, cast("Launcher", launcher), events.append)
    observations = await run.observe_all()
    finder = CauseFinder(project, cast("Launcher", launcher), observer, events.append, **options)
    judgement = await finder.explain(judge(project, observations), observations)
    return next(
        finding for finding in judgement.findings if finding.code == "EP101" and finding.component == "validation"
    ), launcher


def strict(environment: Environment) -> bool:
    return environment.settings.get("MODE") == "strict"
