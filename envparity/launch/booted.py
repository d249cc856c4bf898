"""What every stack that a launcher of this machine has booted can do, whatever its servers and replicas run in."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from envparity.dependency.kind import (
    Administrator,
)
from envparity.errors import LaunchError
from envparity.launch import clocks, disturbing
from envparity.launch.local.dependency_control import DependencyControl
from envparity.launch.local.given import Given
from envparity.launch.local.parts import AgentBeside, BootedDependency, BootedReplica, is_request
from envparity.launch.local.replica_startup import ReplicaStartup
from envparity.launch.port import Endpoint, LogMark
from envparity.launch.program import RunningProgram
from envparity.launch.server_log import ServerLog
from envparity.launch.starting_line import StartingLine
from envparity.launch.warm.command import PythonCommand
from envparity.model.backend import Backend
from envparity.model.case import Case
from envparity.model.environment import Environment
from envparity.model.step import DisturbsDependency
from envparity.observe.disturbed import OutageSeen
from envparity.observe.record import JobRun, ProcessRun, Replica, SettingFingerprint
from envparity.redaction import Redaction
from envparity.support.together import together

__all__ = ["BootedStack"]

_BECOMES_READY_S = 3.0


@dataclass(kw_only=True)
class BootedStack(ABC):
    """A `Stack` (see launch.port), as far as all are the same, and what warm boots need of it.

    `given` is what it was booted with; `memory_folder` is one that servers may make folders in, where that is quick.
    Replicas are known by their index, dependencies by their name: what they run in is each launcher's own matter.
    """

    given: Given
    memory_folder: str
    endpoint: Endpoint = field(init=False)
    redaction: Redaction = field(default_factory=Redaction)
    replicas: Sequence[BootedReplica] = field(default_factory=list)
    dependencies: Mapping[str, BootedDependency] = field(default_factory=dict)
    server_logs: dict[str, ServerLog] = field(
        default_factory=dict
    )  # of the ingress and the dependencies that are there
    addresses: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    jobs: list[JobRun] = field(default_factory=list)
    programs: list[RunningProgram] = field(default_factory=list)  # of the backend, beside its replicas
    startup: ReplicaStartup = field(init=False)
    controlled: DependencyControl = field(init=False)

    def __post_init__(self) -> None:
        self.endpoint = Endpoint(("127.0.0.1", 0), self.environment.ingress.host, None)
        self.startup = ReplicaStartup(self.backend, self.case.boot, self)
        self.controlled = DependencyControl(self.given, self.dependencies)

    @property
    def case(self) -> Case:
        return self.given.case

    @property
    def backend(self) -> Backend:
        return self.given.backend

    @property
    def environment(self) -> Environment:
        return self.given.environment

    @property
    def fingerprints(self) -> tuple[SettingFingerprint, ...]:
        return self.given.fingerprints

    def connections_to(self) -> dict[str, int]:
        """As the proxies count them (`CountsConnections`)."""
        return {name: one.proxy.open_connections for name, one in self.dependencies.items()}

    def most_connections_to(self) -> dict[str, int]:
        """As the proxies count them (`CountsConnections`)."""
        return {name: one.proxy.most_connections for name, one in self.dependencies.items()}

    @property
    def settings(self) -> Mapping[str, str]:
        return {**self.given.keys, **{one.name: one.value for one in self.given.resolved}}

    @property
    def replica_count(self) -> int:
        return len(self.replicas)

    def replica_index(self, upstream: str | None) -> int:
        """Which replica an `X-Envparity-Upstream` header names; 0 where there is no ingress to say so."""
        if upstream is None:
            return 0
        return self.addresses.get(upstream.split(",")[-1].strip(), 0)

    def hide(self, secrets: Iterable[tuple[str, str]]) -> None:
        """What became known as a secret only while this ran (`HidesSecrets`)."""
        self.redaction = self.redaction.and_of(secrets)

    async def until_listening(self) -> None:
        await self.startup.until_listening()

    async def until_decided(self) -> None:
        beside = [program.until_ready() for program in self.programs]
        self.timings["startup"] = await self.startup.until_decided(beside)

    async def until_ready(self, index: int | None = None) -> None:
        await self.startup.until_ready(index)

    async def observe_replica(self, index: int) -> Replica:
        return await self.startup.observe(index)

    async def log_mark(self) -> LogMark:
        positions = tuple([await self.log_position(replica.index) for replica in self.replicas])
        return LogMark(positions, {name: log.position() for name, log in self.server_logs.items()})

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(line for line in self.redacted(await log.since(first.servers[name])) if not is_request(line))
            for name, log in self.server_logs.items()
            if name in first.servers
        }

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        ends: tuple[float | None, ...] = (None,) * len(first.positions) if last is None else last.positions
        asked = zip(self.replicas, first.positions, ends, strict=True)
        return tuple([await self.logged(replica.index, begin, end) for replica, begin, end in asked])

    async def cut_dependency(self, name: str) -> None:
        await self.controlled.proxy(name).down()

    async def restore_dependency(self, name: str) -> None:
        await disturbing.end(self.controlled.proxy(name))

    async def disturb_dependency(self, step: DisturbsDependency) -> None:
        proxy, several = self.controlled.proxy(step.dependency), len(self.replicas) > 1
        await disturbing.begin(proxy, step, tell_apart=several)

    def outages(self, name: str) -> tuple[OutageSeen, ...]:
        return disturbing.outages_of(self.controlled.proxy(name), self.replica_of)

    async def readiness(self) -> tuple[int | None, ...]:
        """The status of each replica's readiness, now."""
        path = self.backend.health.ready
        answers = await asyncio.gather(*(one.probe.ask(path) for one in self.replicas))
        return tuple(None if one is None else one.status for one in answers)

    async def restart_all(self, *, dependencies: bool) -> None:
        """Stop everything at once; then start all replicas, which meet at what they need as they did the first time."""
        names = [name for name, one in self.dependencies.items() if one.there and one.proxy.upstream is not None]
        stopped = [self.stop_replica(one.index) for one in self.replicas]
        await together(*stopped, *(self.restart_dependency(name) for name in names if dependencies))
        for name in names if len(self.replicas) > 1 else ():
            self.dependencies[name].proxy.hold_at(StartingLine(len(self.replicas)))
        await together(*(self.start_replica(one.index) for one in self.replicas))

    async def command_dependency(self, name: str, command: tuple[str, ...]) -> object:
        """Have that dependency do it, directly and not through the proxy."""
        return await self.controlled.command(name, command, self.redaction)

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        """The end of each dependency's log."""
        return {name: await self.dependency_log(name) for name, one in self.dependencies.items() if one.there}

    def dependency(self, name: str) -> BootedDependency:
        """That dependency. Raises `LaunchError` where there is none of that name."""
        return self.controlled.dependency(name)

    @abstractmethod
    def replica_of(self, connects: Hashable) -> int | None:
        """Which replica it is that connects from there, as `starting_line.who_connects` knows it; None: no replica."""

    @abstractmethod
    async def throttle_replica(self, index: int, share: float, for_s: float) -> None: ...

    async def jump_clock(self, index: int, by_s: float) -> None:
        replica = self.replicas[index]
        if replica.clock is None:
            raise LaunchError(f"replica {index} has the clock of the machine: boot.clocks gives it one of its own")
        replica.clock_s += by_s
        clocks.set_clock(replica.clock, replica.clock_s)

    @abstractmethod
    async def stop_replica(self, index: int) -> None: ...

    @abstractmethod
    async def start_replica(self, index: int) -> None: ...

    @abstractmethod
    async def restart_dependency(self, name: str) -> None: ...

    @abstractmethod
    async def connect_proxy(self, name: str) -> None:
        """Point its proxy at the server once that answers. Raises `DeadlineExceeded` with the end of its log."""

    @abstractmethod
    async def note_addresses(self) -> None:
        """Learn the addresses by which the ingress names the replicas."""

    @abstractmethod
    async def replica_log(self, index: int) -> tuple[str, ...]:
        """What that replica has written, as `log_text` keeps it, without the secrets."""

    @abstractmethod
    async def log_position(self, index: int) -> float:
        """How far its log has come: a number that only `logged` understands."""

    @abstractmethod
    async def logged(self, index: int, begin: float, end: float | None) -> tuple[str, ...]:
        """What it has written between two positions, or until now, without the secrets."""

    @abstractmethod
    async def replica_end(self, index: int) -> tuple[int | None, bool]:
        """Its exit code, None while it runs; and whether it was killed for want of memory."""

    @abstractmethod
    async def dependency_log(self, name: str) -> tuple[str, ...]:
        """The end of what that server has written, without the secrets."""

    @abstractmethod
    def argv(self) -> Sequence[str]:
        """What starts a replica: the program and its arguments, with `{port}` where its file has that."""

    @abstractmethod
    def agent_beside(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        """A warm agent under the platform's limits, for that many boots at a time. Raises `WarmUnavailable`."""

    @abstractmethod
    def administrator(self, name: str) -> AbstractAsyncContextManager[Administrator]:
        """A session with that server as who may do everything in it. Raises `WarmUnavailable`."""

    async def observe_programs(self) -> tuple[ProcessRun, ...]:
        """How the backend's further programs are now."""
        return tuple([await program.observed(self.redaction) for program in self.programs])

    def redacted(self, text: str) -> tuple[str, ...]:
        """Its lines, without the secrets."""
        return tuple(self.redaction.text(text).splitlines())
