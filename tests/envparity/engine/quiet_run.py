"""A run over stacks that say nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from envparity.engine.explore import OrderProfile
from envparity.engine.run import Run
from envparity.errors import (
    LaunchError,
)
from envparity.launch.port import Stack, Waiting
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.image import ImageRecord
from envparity.observe.record import HttpAnswer, Replica, StartupReport
from envparity.support.redaction import Redaction
from tests.envparity.launching import BACKEND as CHAT
from tests.envparity.launching import FakeLauncher
from tests.envparity.launching import project as orderable

PROJECT = Project(
    Backend("chat", Path("backend.toml"), ImageSource(name="chat")),
    {name: Environment(name) for name in ("local", "staging")},
)


class QuietStack:
    """A stack whose only replica passed its startup."""

    replica_count = 1
    fingerprints = ()
    timings: dict[str, float] = {}  # noqa: RUF012  never changed
    redaction = Redaction()

    def __init__(self, case: Case) -> None:
        self.case = case

    async def until_decided(self) -> None:
        """It has passed already."""

    async def observe_replica(self, index: int) -> Replica:
        answers = (HttpAnswer("/health/live", 200), HttpAnswer("/health/ready", 200))
        report = StartupReport("pass", document={"status": "pass"}, http_status=200)
        return Replica(index, *answers, startup=report)

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return {}


class CountingLauncher:
    """Boots quiet stacks, counts them, and can be told to fail or to wait for ever."""

    name = "counting"
    run_id = "00000000"
    cannot_check = ()
    images: tuple[ImageRecord, ...] = ()
    reason = ""

    def __init__(self, *, fails: bool = False, hangs: bool = False) -> None:
        self.booted: list[Case] = []
        self.open = 0
        self.closed = False
        self.hanging = asyncio.Event() if hangs else None
        self.both = asyncio.Event()
        self._fails = fails

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        waiting("a stack")
        case = Case(environment.name, PROJECT.backend.name, boot)
        self.booted.append(case)
        self.open += 1
        if self.open == 2:
            self.both.set()
        try:
            if self._fails:
                raise LaunchError("no room")
            if self.hanging is not None:
                self.hanging.set()
                await asyncio.Event().wait()
            yield cast("Stack", QuietStack(case))
        finally:
            self.open -= 1

    async def close(self) -> None:
        self.closed = True


def ordered_run(launcher: FakeLauncher, *names: str) -> Run:
    return Run(
        orderable(*names, backend=replace(CHAT, scenarios=())),
        cast("Any", launcher),
        lambda _event: None,
        orders=OrderProfile(strength=2),
    )
