"""One booted environment of processes, and what can be done to it while it runs."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from envparity.dependency.kind import Server as ServerAddress
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.client_addresses import ClientAddresses, Way
from envparity.launch.local.parts import (
    answers,
    patience_of,
)
from envparity.launch.local.stack import LocalStack
from envparity.launch.process.beside import ProcessBeside
from envparity.launch.process.logs import FileLog
from envparity.launch.process.parts import ProcessDependency, ProcessReplica
from envparity.launch.process.settled import settled
from envparity.launch.process.warm_ground import ProcessGround
from envparity.launch.warm.pool import WarmPool
from envparity.launch.workers import Workers, workers_at
from envparity.support.stalls import Deadline

__all__ = ["ProcessStack"]

_FIRST_CLIENT = IPv4Address("127.0.1.101")  # of three digits all: none begins another
_EVERY_S = 0.01
_THROTTLED_S = 0.1


@dataclass(kw_only=True)
class ProcessStack(LocalStack):
    """A stack of processes. `ProcessLauncher.boot` makes it and takes it down."""

    replicas: list[ProcessReplica]
    dependencies: dict[str, ProcessDependency]
    ground: ProcessGround
    releases: Callable[[ProcessStack], Awaitable[None]] | None = None
    clients: ClientAddresses = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.clients = ClientAddresses(self._way)

    def ways(self, count: int) -> AbstractAsyncContextManager[Sequence[Way]]:
        """From addresses of the loopback network (`GivesAddresses`)."""
        return self.clients.have(count)

    async def _way(self, number: int) -> Way:
        own = str(_FIRST_CLIENT + number)
        return Way(self.endpoint.address, own, seen=own)

    async def change_release(self) -> None:
        """As its boot says (`ReplacesRelease`)."""
        if self.releases is None:
            raise LaunchError(f"{self.case} changes no release")
        await self.releases(self)

    def warm(self, lanes: int) -> AbstractAsyncContextManager[WarmPool]:
        """Forks beside it (`BootsWarm`)."""
        return WarmPool.open(self, lanes)

    async def workers(self, replica: int) -> Workers | None:
        """The processes at the replica's port (`SeesWorkers`)."""
        return await workers_at(self.replicas[replica].port)

    def replica_of(self, connects: Hashable) -> int | None:
        """By the session of its process, in which all that it starts is."""
        sessions = {replica.child.pid: replica.index for replica in self.replicas if replica.child.exit_code is None}
        return sessions.get(connects) if isinstance(connects, int) else None

    async def throttle_replica(self, index: int, share: float, for_s: float) -> None:
        """SIGSTOP and SIGCONT in turn, ten times a second: it and what it has started run for that share of the time.

        The seconds are those of the clock, not of a busy machine's deadlines: a throttle is as long as it is said.
        """
        child, ends_s = self.replicas[index].child, time.monotonic() + for_s
        try:
            while time.monotonic() < ends_s and child.exit_code is None:
                child.send_group(signal.SIGSTOP)
                await asyncio.sleep(_THROTTLED_S * (1 - share))
                child.send_group(signal.SIGCONT)
                await asyncio.sleep(_THROTTLED_S * share)
        finally:
            child.send_group(signal.SIGCONT)

    async def stop_replica(self, index: int) -> None:
        """SIGTERM, and after the environment's grace period SIGKILL."""
        await self.replicas[index].child.stop(signal.SIGTERM, self.environment.platform.stop_grace_s)

    async def kill_replica(self, index: int) -> None:
        """SIGKILL to it and to what it has started."""
        child = self.replicas[index].child
        child.kill()
        await child.stop(signal.SIGKILL, self.backend.phases.stop_s)

    async def start_replica(self, index: int) -> None:
        self.replicas[index].child.start()
        await self.until_ready(index)

    async def restart_dependency(self, name: str) -> None:
        dependency = self.dependencies[self.controlled.dependency(name).name]
        if dependency.server is None:
            raise LaunchError(f"{name} is down in this boot and cannot be restarted")
        await dependency.server.stop()
        dependency.began = FileLog(dependency.server.child.program.log).position()
        dependency.server.start()
        await self.connect_proxy(name)

    async def connect_proxy(self, name: str) -> None:
        """Point the proxy at the server, or at the TLS in front of it, once it answers."""
        dependency = self.dependencies[name]
        server = dependency.server
        if server is None:
            return
        declared = self.environment.dependencies[name]
        patience_s = patience_of(declared)
        deadline = Deadline(patience_s)
        try:
            while not server.ready:
                await self._again_before(deadline, dependency, patience_s)
            if not dependency.prepared:
                await settled(server.prepare)
                dependency.prepared = True
        except LaunchError as error:
            raise LaunchError(f"{name}: {self.redaction.text(str(error))}") from error
        reached = ServerAddress(*dependency.address, dependency.password, self.given.dependency_tls.get(name))
        beside = ProcessBeside(server, dependency.began)
        while not await answers(declared, reached, beside):
            await self._again_before(deadline, dependency, patience_s)
        dependency.reached_at(dependency.address)
        self.logs.servers[name] = FileLog(server.child.program.log)

    async def note_addresses(self) -> None:
        self.addresses |= {f"127.0.0.1:{replica.port}": replica.index for replica in self.replicas}

    async def replica_end(self, index: int) -> tuple[int | None, bool]:
        """No limit of memory is set, so none is exceeded."""
        return self.replicas[index].child.exit_code, False

    async def _again_before(self, deadline: Deadline, dependency: ProcessDependency, patience_s: float) -> None:
        server = dependency.server
        if deadline.passed or (server is not None and server.child.exit_code is not None):
            log = await self.logs.dependency(dependency.name)
            raise DeadlineExceeded(f"{dependency.name} to answer", patience_s, "\n".join(log[-10:]))
        await asyncio.sleep(_EVERY_S)
