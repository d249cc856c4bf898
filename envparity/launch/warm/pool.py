"""Warm boots in one booted environment: an agent beside the replicas, a forked process for every case.

A warm boot has settings, a place in each server and proxies of its own, and nothing in front of it: clients reach it
directly, not through the ingress. What it shares with others of its pool are the servers themselves (some of what they
do is for all who are connected), the agent's file system, and the third-party modules; so a finding of a warm boot is
reproduced cold before it is reported.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from envparity.dependency.kind import Isolation
from envparity.launch.agent.answers import AgentRefused, ModulesReport
from envparity.launch.agent.client import WarmAgent
from envparity.launch.agent.command import PythonCommand, WarmUnavailable, python_command
from envparity.launch.keys import issuer_of
from envparity.launch.local.stack import LocalStack
from envparity.launch.warm.boot import WarmBoot
from envparity.launch.warm.isolation import Lane, case_settings, moved_sources, open_isolations, open_lanes
from envparity.launch.warm.lane_dependencies import LaneDependencies
from envparity.model.case import Boot

__all__ = ["WarmPool", "WarmUnavailable"]

_LOAD_S = 60.0


class WarmPool:
    """As many lanes as boots may run at the same time, in one environment. Made by `open`.

    `modules` is the agent's last word on what it holds, `loaded` names that in the order of import; `timings` says what
    it took, in seconds.
    """

    def __init__(
        self,
        *,
        stack: LocalStack,
        agent: WarmAgent,
        command: PythonCommand,
        lanes: Sequence[Lane],
        isolations: dict[str, Isolation],
    ) -> None:
        self._stack, self._agent, self._command = stack, agent, command
        self._isolations = isolations
        audit = stack.backend.audit
        self._watched = audit.request_scoped if audit is not None else ()
        report = stack.backend.report
        self._words = tuple(word for word in (report.log_passed, report.log_failed) if word is not None)
        self._free: asyncio.Queue[Lane] = asyncio.Queue()
        self._first_port = lanes[0].port
        for lane in lanes:
            self._free.put_nowait(lane)
        self.size = len(lanes)
        self.modules: ModulesReport | None = None
        self.loaded: tuple[str, ...] = ()
        self.timings: dict[str, float] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, stack: LocalStack, lanes: int = 2) -> AsyncIterator[WarmPool]:
        """A pool beside the replicas of that stack, which must be booted as the environment is, with nothing down.

        Raises `WarmUnavailable` where this backend can only be booted cold.
        """
        if not stack.replicas or not stack.case.boot.steady:
            raise WarmUnavailable("warm boots stand beside the replicas of an environment that was booted as it is")
        if stack.environment.jobs:
            raise WarmUnavailable("jobs run before the backend starts, and what they have made is in one place only")
        if stack.environment.processes:
            raise WarmUnavailable("programs run beside the replicas, and would be one for all boots")
        if stack.environment.files:
            raise WarmUnavailable("files are filled with the settings of the environment, and a boot has its own")
        if stack.backend.health.port is not None:
            raise WarmUnavailable("its health is at a port of its own, and boots beside each other have one each")
        command = python_command(stack.ground.argv())
        async with AsyncExitStack() as exits:
            began = time.monotonic()
            beside = await exits.enter_async_context(stack.ground.agent(command, lanes))
            isolations = await open_isolations(exits, stack, lanes)
            opened = await open_lanes(exits, stack, beside.ports)
            pool = cls(
                stack=stack,
                agent=beside.agent,
                command=command,
                lanes=opened,
                isolations=isolations,
            )
            pool.timings["agent"] = round(time.monotonic() - began, 3)
            await pool._load()
            yield pool

    @asynccontextmanager
    async def boot(self, boot: Boot = Boot(), *, learn: bool = False) -> AsyncIterator[WarmBoot]:  # noqa: B008  frozen
        """Boot that way, as soon as a lane is free. Startup goes on when this returns; `until_decided` waits for it.

        On exit the process is killed, and its databases are dropped. Raises `WarmUnavailable` where a fork cannot do
        what a new process would, such as another value for a setting that a third-party module reads when imported.
        """
        if boot.hasten > 1:
            raise WarmUnavailable("idle times are made shorter in an ingress too, and there is none before a warm boot")
        lane = await self._free.get()
        try:
            async with self._in_lane(lane, boot, learn=learn) as booted:
                yield booted
        finally:
            self._free.put_nowait(lane)

    @asynccontextmanager
    async def _in_lane(self, lane: Lane, boot: Boot, *, learn: bool) -> AsyncIterator[WarmBoot]:
        began = time.monotonic()
        places: dict[str, str] = {}
        try:
            for name, isolation in self._isolations.items():
                places[name] = await isolation.take(lane.index)
            await lane.open_up(boot.unreachable_at_start)
            given = self._stack.given
            settings = case_settings(self._stack, lane, boot, places)
            lifetime_s = self._stack.backend.phases.boot_s + 90.0
            booted = WarmBoot(
                stack=self._stack,
                boot=boot,
                lane=lane,
                resolved=settings,
                dependencies=LaneDependencies(given.environment.name, lane.proxies, self._isolations, places),
                keys={**given.keys, **issuer_of(given.backend, moved_sources(self._stack, lane, places))},
                says_so=bool(self._words),
                fork=lambda learn=learn: self._agent.boot(  # type: ignore[misc]
                    self._command.at(lane.port),
                    {setting.name: setting.value for setting in settings},
                    port=lane.port,
                    lifetime_s=lifetime_s,
                    learn=learn,
                    watch=self._watched,
                    words=self._words,
                ),
            )
            booted.timings["prepare"] = round(time.monotonic() - began, 4)
            try:
                await booted.start()
                yield booted
            except AgentRefused as error:
                raise WarmUnavailable(str(error)) from error
            finally:
                await booted.close()
        finally:
            await lane.close_off()
            for name, place in places.items():
                self._isolations[name].give_back(place)

    async def _load(self) -> None:
        """Have the agent import what the entry does, then rehearse once, for what is imported later."""
        began = time.monotonic()
        try:
            command = self._command.at(self._first_port)
            first = await self._agent.load(command, timeout_s=_LOAD_S)
            async with self.boot(learn=True) as rehearsal:
                await rehearsal.until_decided()
                await rehearsal.stop_replica(0)
                self.modules = await self._agent.load(command, rehearsal.process, timeout_s=_LOAD_S)
        except AgentRefused as error:
            raise WarmUnavailable(str(error)) from error
        if self.modules.unfit:
            raise WarmUnavailable(self.modules.unfit)
        self.loaded = tuple(module.name for module in (*first.imported, *self.modules.imported))
        self.timings["load"] = round(time.monotonic() - began, 3)
