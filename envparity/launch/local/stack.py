"""What every stack that a launcher of this machine has booted can do, whatever its servers and replicas run in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from envparity.launch.local.dependency_control import DependencyControl
from envparity.launch.local.given import Given, StackFacts
from envparity.launch.local.logs import ReadsLogs, StackLogs
from envparity.launch.local.parts import BootedDependency, BootedReplica
from envparity.launch.local.replica_startup import ReplicaStartup
from envparity.launch.local.restarting import restart_all
from envparity.launch.local.warm_ground import WarmGround
from envparity.launch.port import Endpoint, LogMark
from envparity.launch.program import RunningProgram
from envparity.model.step import DisturbsDependency
from envparity.observe.disturbed import OutageSeen
from envparity.observe.record import JobRun, ProcessRun, Replica
from envparity.support.redaction import Redaction

__all__ = ["LocalStack"]


@dataclass(kw_only=True)
class LocalStack(StackFacts, ABC):
    """A `Stack` (see launch.port), as far as all are the same.

    `given` is what it was booted with. Replicas are known by their index, dependencies by their name: what they run in
    is each launcher's own matter. `reads` is how it reads their logs, `ground` what it has for warm boots.
    """

    given: Given
    replicas: Sequence[BootedReplica]
    dependencies: Mapping[str, BootedDependency]
    reads: ReadsLogs
    ground: WarmGround
    endpoint: Endpoint = field(init=False)
    redaction: Redaction = field(default_factory=Redaction)
    addresses: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    jobs: list[JobRun] = field(default_factory=list)
    programs: list[RunningProgram] = field(default_factory=list)  # of the backend, beside its replicas
    logs: StackLogs = field(init=False)
    startup: ReplicaStartup = field(init=False)
    controlled: DependencyControl = field(init=False)

    def __post_init__(self) -> None:
        self.endpoint = Endpoint(("127.0.0.1", 0), self.environment.ingress.host, None)
        self.logs = StackLogs(self.reads, self.replicas, self.dependencies, lambda: self.redaction)
        self.startup = ReplicaStartup(
            self.backend, self.case.boot, self.replicas, self.logs.replica, self.logs.credentials, self.replica_end
        )
        self.controlled = DependencyControl(self.given, self.dependencies, self.replica_of)

    @property
    def replica_count(self) -> int:
        return len(self.replicas)

    def replica_index(self, upstream: str | None) -> int:
        """Which replica an `X-Envparity-Upstream` header names; 0 where there is no ingress to say so."""
        return 0 if upstream is None else self.addresses.get(upstream.split(",")[-1].strip(), 0)

    def hide(self, secrets: Iterable[tuple[str, str]]) -> None:
        self.redaction = self.redaction.and_of(secrets)

    async def until_listening(self) -> None:
        await self.startup.until_listening()

    async def until_decided(self) -> None:
        self.timings["startup"] = await self.startup.until_decided([program.until_ready() for program in self.programs])

    async def until_ready(self, index: int | None = None) -> None:
        await self.startup.until_ready(index)

    async def observe_replica(self, index: int) -> Replica:
        return await self.startup.observe(index)

    async def readiness(self) -> tuple[int | None, ...]:
        return await self.startup.statuses()

    async def liveness(self, index: int) -> int | None:
        return await self.startup.liveness(index)

    async def ready_status(self, index: int) -> int | None:
        return await self.startup.ready_status(index)

    async def metrics(self, index: int) -> str:
        return await self.startup.metrics(index)

    async def observe_programs(self) -> tuple[ProcessRun, ...]:
        return tuple([await program.observed(self.redaction) for program in self.programs])

    async def log_mark(self) -> LogMark:
        return await self.logs.mark()

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        return await self.logs.servers_since(first)

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        return await self.logs.replicas_between(first, last)

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return await self.logs.infrastructure()

    def connections_to(self) -> dict[str, int]:
        return self.controlled.connections()

    def most_connections_to(self) -> dict[str, int]:
        return self.controlled.most_connections()

    async def cut_dependency(self, name: str) -> None:
        await self.controlled.cut(name, tell_apart=len(self.replicas) > 1)

    async def restore_dependency(self, name: str) -> None:
        await self.controlled.restore(name)

    async def disturb_dependency(self, step: DisturbsDependency) -> None:
        await self.controlled.disturb(step, tell_apart=len(self.replicas) > 1)

    def outages(self, name: str) -> tuple[OutageSeen, ...]:
        return self.controlled.outages(name)

    async def command_dependency(self, name: str, command: tuple[str, ...]) -> object:
        return await self.controlled.command(name, command, self.redaction)

    async def holdings(self) -> dict[str, dict[str, int]]:
        """What the dependencies hold that does not end by itself (`SaysHoldings`)."""
        shell = self.ground.shell
        found = {name: await self.controlled.holdings(name, partial(shell, name)) for name in self.dependencies}
        return {name: dict(held) for name, held in found.items() if held is not None}

    async def jump_clock(self, index: int, by_s: float) -> None:
        self.replicas[index].jump_clock(by_s)

    async def restart_all(self, *, dependencies: bool) -> None:
        await restart_all(self, self.replicas, self.dependencies, dependencies=dependencies)

    @abstractmethod
    def replica_of(self, connects: Hashable) -> int | None:
        """Which replica it is that connects from there, as `starting_line.who_connects` knows it; None: no replica."""

    @abstractmethod
    async def replica_end(self, index: int) -> tuple[int | None, bool]:
        """Its exit code, None while it runs; and whether it was killed for want of memory."""

    @abstractmethod
    async def throttle_replica(self, index: int, share: float, for_s: float) -> None: ...

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
