"""The cause of a name that changes with every start: no boot shows it by itself, so each hybrid is booted twice."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from envparity.engine.causes import CauseFinder
from envparity.engine.events import Event
from envparity.engine.observer import Observer
from envparity.engine.run import Run
from envparity.judge import judge
from envparity.launch.port import Launcher, Stack, Waiting
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.names import DeclaredName
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.observe.record import StartupReport
from envparity.report.wording import cause_text
from tests.envparity.launching import FakeLauncher, FakeStack, report

HARMLESS = {f"HARMLESS_{at:02}": "on" for at in range(5)}
LOCAL = Environment("local", settings={"NODE_NAME": "api"})
CLOUD = Environment("cloud", settings={"NODE_NAME": "", **HARMLESS})
BACKEND = Backend(
    "chat",
    Path("backend.toml"),
    ImageSource(name="chat"),
    names=(DeclaredName("report.serviceId", "boots"),),
    scenarios=(Scenario("without", boot=Boot(settings=(("EXTRA", "on"),))),),
)


class Naming(FakeLauncher):
    """Boots what goes by its NODE_NAME, and by a name of its own where it has none."""

    def __init__(self) -> None:
        super().__init__(warm=False)
        self.hybrids: list[Environment] = []
        self._numbers = itertools.count()

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        del waiting
        if environment not in (LOCAL, CLOUD):
            self.hybrids.append(environment)
        name = environment.settings["NODE_NAME"] or f"chat-{next(self._numbers)}"

        def startup(_case: Case) -> StartupReport:
            passed = report()
            return replace(passed, document={**passed.document, "serviceId": name})

        yield cast("Stack", FakeStack(Case(environment.name, "chat", boot), startup))


async def test_the_setting_that_makes_a_name_stable_is_the_cause() -> None:
    """Two boots of each hybrid are held against each other, and never against another environment's."""
    project = Project(BACKEND, {environment.name: environment for environment in (LOCAL, CLOUD)})
    events: list[Event] = []
    launcher = Naming()
    run = Run(project, cast("Launcher", launcher), events.append)
    observations = await run.observe_all()
    observer = Observer(BACKEND, "fake", "00000000", events.append)
    finder = CauseFinder(project, cast("Launcher", launcher), observer, events.append)
    judged = await finder.explain(judge(project, observations), observations)
    (finding,) = [finding for finding in judged.findings if finding.code == "EP208"]
    assert finding.environments == ("cloud",)
    assert cause_text(finding.cause) == "NODE_NAME= alone"
    assert len(launcher.hybrids) % 2 == 0
