"""Launchers behind the port that boot nothing: what a boot shows is scripted, and what was asked of them is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from envparity.launch.controls import WarmBoots, WarmUnavailable
from envparity.launch.port import (
    Endpoint,
    LogMark,
    Stack,
    Waiting,
)
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot, Case
from envparity.model.environment import Dependency, Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect
from envparity.observe.record import HttpAnswer, Observation, Replica, SettingFingerprint, StartupReport
from envparity.observe.startup import read_report
from envparity.support.redaction import Redaction

GRAPH = {"settings": [], "redis": ["settings"], "tools": ["settings"], "auth": ["redis"], "handlers": ["settings"]}
IN_ANY_ORDER = Scenario("in_any_order", group="orders", part="orders", steps=(Connect("none"), Close(1000)))
WHILE_STARTING = Scenario("while_starting", group="orders", part="starting", steps=(Connect("none"), Close(1000)))
USUAL = Scenario("talk", steps=(Connect("none"), Close(1000)))

NOBODY = Endpoint(("127.0.0.1", 9), "localhost", None)  # discard (RFC 863): nothing listens there

Startup = Callable[[Case], StartupReport | None]


def report(*, failure: str = "", order: Sequence[str] = (), graph: dict[str, list[str]] = GRAPH) -> StartupReport:
    """A startup report with that graph; failed by that component where one is named."""
    steps = [{"name": name, "requires": graph[name], "outcome": "passed"} for name in order or graph]
    told = {"code": "STEP_FAILED", "component": failure, "description": "it did not start", "action": "see the log"}
    document: dict[str, Any] = {
        "status": "fail" if failure else "pass",
        "order": list(order or graph),
        "steps": steps,
        "failures": [told] if failure else [],
    }
    return read_report(document, BACKEND.report, http_status=503 if failure else 200)


BACKEND = Backend(
    "chat",
    Path("backend.toml"),
    ImageSource(name="chat"),
    order_setting="STARTUP_ORDER",
    scenarios=(USUAL, IN_ANY_ORDER, WHILE_STARTING),
)


def project(*names: str, backend: Backend = BACKEND) -> Project:
    """Environments with PostgreSQL and Redis; "local" and "staging" where none are named."""
    dependencies = {"postgres": Dependency("postgres"), "redis": Dependency("redis")}
    named = names or ("local", "staging")
    return Project(backend, {name: Environment(name, dependencies=dependencies) for name in named})


def passes(case: Case) -> StartupReport | None:
    """A startup that goes well in every legal order, and refuses the others."""
    order = case.boot.order
    known = [name for name in order if name in GRAPH]
    legal = len({*order}) == len(order) == len(known)
    legal = legal and all(order.index(need) < order.index(name) for name in order for need in GRAPH[name])
    return report(order=order) if legal else report(failure="startup_order")


class FakeStack:
    """A stack that shows what it is told to, and keeps what was done to it in `log`."""

    fingerprints: tuple[SettingFingerprint, ...] = ()
    settings: Mapping[str, str] = MappingProxyType({})
    redaction = Redaction()

    def __init__(
        self,
        case: Case,
        startup: Startup = passes,
        replicas: int = 1,
        endpoint: Endpoint = NOBODY,
        launcher: FakeLauncher | None = None,
    ) -> None:
        self.case = case
        self._launcher = launcher
        self.endpoint = endpoint
        self.replica_count = replicas
        self.timings: dict[str, float] = {"network": 0.1}
        self.log: list[str] = []
        self.exit_code: int | None = None
        self._startup = startup

    @asynccontextmanager
    async def warm(self, lanes: int) -> AsyncIterator[WarmBoots]:
        launcher = self._launcher
        if launcher is None or not launcher.has_warm:
            raise WarmUnavailable("not Python")
        assert lanes >= 1
        launcher.pools.append(self.case)
        launcher.open.append(f"{self.case.id} warm")
        try:
            yield FakeWarmBoots(launcher, self.case)
        finally:
            launcher.open.remove(f"{self.case.id} warm")

    def replica_index(self, upstream: str | None) -> int:
        return int(upstream or 0)

    async def until_listening(self) -> None:
        self.log.append("listening")

    async def until_decided(self) -> None:
        self.log.append("decided")

    async def cut_dependency(self, name: str) -> None:
        self.log.append(f"cut {name}")

    async def restore_dependency(self, name: str) -> None:
        self.log.append(f"restore {name}")

    async def observe_replica(self, index: int) -> Replica:
        self.log.append(f"observe {index}")
        seen = self._startup(self.case)
        ready = 200 if seen is not None and seen.status == "pass" else 503
        answers = (HttpAnswer("/health/live", 200), HttpAnswer("/health/ready", ready))
        return Replica(index, *answers, startup=seen, exit_code=self.exit_code, log=tuple(self.log[-1:]))

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return {"postgres": ("ready",)}

    async def log_mark(self) -> LogMark:
        return LogMark()

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        del first
        return {}

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        del first, last
        return ()


class FakeWarmBoots:
    """Warm boots that show `startup`. `refuses` says which cannot be had; `fails` raises what another one raises."""

    def __init__(self, launcher: FakeLauncher, beside: Case) -> None:
        self._launcher, self._beside = launcher, beside

    @asynccontextmanager
    async def boot(self, boot: Boot) -> AsyncIterator[Stack]:
        launcher = self._launcher
        case = Case(self._beside.environment, self._beside.backend, boot)
        if launcher.refuses(boot):
            raise WarmUnavailable("a module reads it when imported")
        launcher.warm_boots.append(case)
        launcher.at_once += 1
        launcher.most_at_once = max(launcher.most_at_once, launcher.at_once)
        try:
            await asyncio.sleep(0)
            if (error := launcher.warm_error) is not None:
                raise error
            yield cast("Stack", FakeStack(case, launcher.warm_startup or launcher.startup))
        finally:
            launcher.at_once -= 1


class FakeLauncher:
    """Boots fake stacks, and counts."""

    name = "fake"
    run_id = "00000000"
    cannot_check = ()
    images = ()
    reason = ""

    def __init__(self, startup: Startup = passes, *, warm: bool = True, warm_startup: Startup | None = None) -> None:
        self.startup, self.warm_startup = startup, warm_startup
        self.has_warm = warm
        self.refuses: Callable[[Boot], bool] = lambda _boot: False
        self.warm_error: Exception | None = None
        self.cold_boots: list[Case] = []
        self.warm_boots: list[Case] = []
        self.pools: list[Case] = []
        self.open: list[str] = []
        self.at_once = self.most_at_once = 0
        self.closed = False

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        waiting("a stack")
        case = Case(environment.name, BACKEND.name, boot)
        self.cold_boots.append(case)
        self.open.append(case.id)
        try:
            yield FakeStack(case, self.startup, launcher=self)
        finally:
            self.open.remove(case.id)

    async def close(self) -> None:
        self.closed = True


def statuses(observations: Sequence[Observation]) -> list[str]:
    """How each startup ended."""
    return [
        observation.replicas[0].startup.status if observation.replicas and observation.replicas[0].startup else "-"
        for observation in observations
    ]
