"""The containers of a backend: its replicas, its jobs, and its further programs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from docker.models.containers import Container

from envparity.dependency.kind import ServerPlan
from envparity.launch.clocks import IN_CONTAINER, LIBRARY_IN_CONTAINER, clock_variables, faketime_library
from envparity.launch.container.backend_command import BackendCommand
from envparity.launch.container.engine import Engine
from envparity.launch.container.environment_files import EnvironmentFiles
from envparity.launch.container.log import ContainerLog
from envparity.launch.container.platform_limits import platform_limits, writable_folders
from envparity.launch.container.servers import replica_name
from envparity.launch.container.start_gate import ContainerStartGate, can_be_exported
from envparity.launch.container.starting import ContainerStarter
from envparity.launch.program import RunningProgram
from envparity.launch.resolve import ResolvedSetting
from envparity.model.backend import Backend
from envparity.model.environment import BesideProcess, Environment, Job
from envparity.support.stalls import Deadline

__all__ = ["BackendContainers"]

_EVER = 1.0  # a moment before all that the engine has kept
_EVERY_S = 0.02


@dataclass(frozen=True)
class BackendContainers:
    """Starts them, under the platform's limits. `gateway` is where they find their dependencies.

    `folder` is where secrets are handed over; so many replicas as `gated` wait for each other before they start.
    """

    starter: ContainerStarter
    command: BackendCommand
    files: EnvironmentFiles
    given: tuple[ResolvedSetting, ...] = field(repr=False)
    gateway: str
    folder: Path
    gated: int
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _gates: list[ContainerStartGate | None] = field(default_factory=list, init=False)  # the one, once that is known

    @property
    def _engine(self) -> Engine:
        return self.starter.engine

    @property
    def _environment(self) -> Environment:
        return self.command.environment

    @property
    def _backend(self) -> Backend:
        return self.command.backend

    async def replica(
        self, exits: AsyncExitStack, values: Mapping[str, str], index: int, clock: Path | None
    ) -> Container:
        """Start that replica with those settings, and with that clock of its own where it has one."""
        self.files.write(exits, values)
        platform, health_port = self._environment.platform, self._backend.health.port
        name, command = replica_name(index), self.command.words
        limits = platform_limits(self._environment, self.gateway)
        secrets = self._secrets(values)
        gate = await self._gate(exits, secrets)
        if gate is not None:
            limits, command = limits | gate.options(), gate.command(index)
            values = _without(values, secrets)
        elif self._environment.entrypoint:
            limits |= {"entrypoint": list(self._environment.entrypoint)}
        mounted: dict[str, Path] = {}
        if clock is not None:
            values = {**values, **clock_variables(LIBRARY_IN_CONTAINER, IN_CONTAINER)}
            mounted = {LIBRARY_IN_CONTAINER: faketime_library(), IN_CONTAINER: clock}
        more = () if health_port is None else (health_port,)
        plan = ServerPlan("backend", platform.port, values, tmpfs=writable_folders(platform), more_ports=more)
        if gate is None:
            return await self.starter.start(name, plan, command, limits, mounted)
        with gate.open_without():
            container = await self.starter.start(name, plan, command, limits, mounted)
            await gate.passed(index, container)
        await self._engine.call(f"{name}'s port", container.reload)
        return container

    async def job(
        self, exits: AsyncExitStack, values: Mapping[str, str], name: str, job: Job
    ) -> tuple[int | None, str]:
        """Run that job with those settings; its exit code, None where it had to be killed, and what it has written."""
        container = await self._program(exits, values, f"job-{name}", job.command)
        deadline = Deadline(job.timeout_s)
        while container.status in {"created", "running"} and not deadline.passed:
            await asyncio.sleep(_EVERY_S)
            await self._engine.call(f"job {name}", container.reload)
        code = _exit_code(container)
        if code is None:
            await self._engine.call(f"job {name} to be killed", container.kill)
        return code, await ContainerLog(self._engine, container, f"job {name}").since(_EVER)

    async def companion(
        self, exits: AsyncExitStack, values: Mapping[str, str], name: str, declared: BesideProcess
    ) -> RunningProgram:
        """Start that further program with those settings; it need not be ready when this returns."""
        container = await self._program(exits, values, f"process-{name}", declared.command)

        async def exit_code() -> int | None:
            await self._engine.call(f"process {name}", container.reload)
            return _exit_code(container)

        return RunningProgram(
            name, declared, ContainerLog(self._engine, container, f"process {name}"), _EVER, exit_code
        )

    async def beside(self, name: str, plan: ServerPlan, options: Mapping[str, object]) -> Container:
        """One more container, under the platform's limits but for `options`."""
        environment = self._environment
        allowed = {**platform_limits(environment, self.gateway), **options}
        plan = replace(plan, tmpfs=writable_folders(environment.platform))
        return await self.starter.start(name, plan, limits=allowed)

    async def _program(
        self, exits: AsyncExitStack, values: Mapping[str, str], name: str, command: tuple[str, ...]
    ) -> Container:
        """Start a program of the backend beside its replicas: in its image, with these settings."""
        self.files.write(exits, values)
        platform, limits = self._environment.platform, platform_limits(self._environment, self.gateway)
        secrets = self._secrets(values)
        argv = await self.command.argv_of(command)
        if secrets and argv:
            gate = ContainerStartGate(self._engine, self.folder, 1, argv, secrets)
            exits.callback(gate.remove)
            limits, command = limits | gate.options(), gate.command(0)
            values = _without(values, secrets)
        plan = ServerPlan("backend", platform.port, values, tmpfs=writable_folders(platform))
        return await self.starter.start(name, plan, command, limits)

    def _secrets(self, values: Mapping[str, str]) -> dict[str, str]:
        """Those of the settings that a shell can give on, and nobody needs to see."""
        return {
            setting.name: values[setting.name]
            for setting in self.given
            if setting.secret and can_be_exported(setting.name)
        }

    async def _gate(self, exits: AsyncExitStack, secrets: Mapping[str, str]) -> ContainerStartGate | None:
        """Where the replicas wait for each other and are given secrets; None where there is neither, or no shell in the
        image to do it: then secrets are variables like all others.
        """
        if self.gated == 1 and not secrets:
            return None
        async with self._lock:
            if not self._gates:
                argv = await self.command.argv()
                gate = ContainerStartGate(self._engine, self.folder, self.gated, argv, secrets) if argv else None
                if gate is not None:
                    exits.callback(gate.remove)
                self._gates.append(gate)
        return self._gates[0]


def _exit_code(container: Container) -> int | None:
    """How it ended, as it was when the engine was last asked; None while it runs."""
    return None if container.status in {"created", "running"} else int(container.attrs["State"]["ExitCode"])


def _without(values: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name not in secrets}
