"""What every stack that a launcher of this machine has booted can do, whatever its servers and replicas run in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus

from envparity.dependency.kind import (
    KINDS,
    Administrator,
    Server,
    TakesCommands,
    kind_of,
)
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch import clocks, disturbing
from envparity.launch.local.given import Given
from envparity.launch.local.parts import AgentBeside, BootedDependency, BootedReplica, is_request
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
from envparity.observe.record import HttpAnswer, JobRun, ProcessRun, Replica, SettingFingerprint, StartupReport
from envparity.observe.startup import read_log
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
    looked_at: set[int] = field(default_factory=set)  # the replicas whose readiness was asked for

    def __post_init__(self) -> None:
        self.endpoint = Endpoint(("127.0.0.1", 0), self.environment.ingress.host, None)

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
        """Wait until every replica that has not ended answers HTTP at all."""
        timeout_s = self.backend.phases.boot_s
        await asyncio.gather(*(one.probe.until_listening(timeout_s, self._ended_check(one)) for one in self.replicas))

    async def until_decided(self) -> None:
        """Wait until every replica's startup has passed, failed or ended; note those that did none of it in time."""
        timeout_s = self.backend.phases.boot_s

        async def one(replica: BootedReplica) -> None:
            began = time.monotonic()
            ended = self._ended_check(replica)
            decided = await replica.probe.until_decided(timeout_s, ended, lambda: self.replica_log(replica.index))
            if not decided and not await ended():
                replica.undecided_after_s = round(time.monotonic() - began, 1)

        began = time.monotonic()
        beside = (program.until_ready() for program in self.programs)
        await asyncio.gather(*(one(replica) for replica in self.replicas), *beside)
        self.timings["startup"] = round(time.monotonic() - began, 3)

    async def until_ready(self, index: int | None = None) -> None:
        chosen = self.replicas if index is None else [self.replicas[index]]
        timeout_s = self.backend.phases.boot_s
        await asyncio.gather(
            *(one.probe.until_ready(f"replica {one.index}", timeout_s, self._ended_check(one)) for one in chosen)
        )

    async def observe_replica(self, index: int) -> Replica:
        replica = self.replicas[index]
        health = self.backend.health
        live, ready, startup = await asyncio.gather(
            replica.probe.ask(health.live), self._ready(replica), replica.probe.startup()
        )
        exit_code, oom_killed = await self.replica_end(index)
        listening = exit_code is None and await replica.probe.listens()
        log = await self.replica_log(index)
        return Replica(
            index=index,
            live=live,
            ready=ready,
            startup=startup or self._read_log(log, listening=listening),
            exit_code=exit_code,
            oom_killed=oom_killed,
            log=log,
            undecided_after_s=replica.undecided_after_s,
            listening=listening,
        )

    async def _ready(self, replica: BootedReplica) -> HttpAnswer | None:
        """What its readiness answers; where nothing was kept from it, after a moment in which it may become ready.

        A dependency that answers late on a busy machine makes one answer say no; that is no readiness that says no.
        """
        path, boot = self.backend.health.ready, self.case.boot
        answer = await replica.probe.ask(path)
        failed = replica.probe.decided_with is not None and replica.probe.decided_with.status == "fail"
        withheld = boot.down or boot.unreachable_at_start or replica.index in self.looked_at
        self.looked_at.add(replica.index)
        if answer is None or answer.status == HTTPStatus.OK or failed or withheld:
            return answer
        with contextlib.suppress(DeadlineExceeded):
            await replica.probe.until_ready(f"replica {replica.index}", _BECOMES_READY_S, self._ended_check(replica))
        return await replica.probe.ask(path)

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
        await self.dependency(name).proxy.down()

    async def restore_dependency(self, name: str) -> None:
        await disturbing.end(self.dependency(name).proxy)

    async def disturb_dependency(self, step: DisturbsDependency) -> None:
        proxy, several = self.dependency(step.dependency).proxy, len(self.replicas) > 1
        await disturbing.begin(proxy, step, tell_apart=several)

    def outages(self, name: str) -> tuple[OutageSeen, ...]:
        return disturbing.outages_of(self.dependency(name).proxy, self.replica_of)

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
        dependency, kind = self.dependency(name), kind_of(self.environment.dependencies[name])
        if not isinstance(kind, TakesCommands):
            raise LaunchError(f"{name} is of the kind {dependency.kind}, which takes no commands: {command[0]}")
        if dependency.proxy.upstream is None:
            raise LaunchError(f"{name} is down in this boot: cannot run {command[0]}")
        server = Server(*dependency.proxy.upstream, dependency.password, self.given.dependency_tls.get(name))
        try:
            with KINDS.guarding(kind):
                return await kind.command(server, command)
        except LaunchError as error:
            raise LaunchError(f"{name} refused {command[0]}: {self.redaction.text(str(error))}") from error

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        """The end of each dependency's log."""
        return {name: await self.dependency_log(name) for name, one in self.dependencies.items() if one.there}

    def dependency(self, name: str) -> BootedDependency:
        """That dependency. Raises `LaunchError` where there is none of that name."""
        if name not in self.dependencies:
            raise LaunchError(f"{self.environment.name} has no dependency {name!r}")
        return self.dependencies[name]

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

    def _read_log(self, log: Sequence[str], *, listening: bool) -> StartupReport | None:
        """The startup of a backend that has no report, by its log."""
        return None if self.backend.health.startup else read_log(log, self.backend.report, listening=listening)

    def _ended_check(self, replica: BootedReplica) -> Callable[[], Awaitable[bool]]:
        async def ended() -> bool:
            return (await self.replica_end(replica.index))[0] is not None

        return ended
