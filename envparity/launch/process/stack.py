"""One booted environment of processes, and what can be done to it while it runs."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from envparity.dependency.kind import Administrator
from envparity.dependency.kind import Server as ServerAddress
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.booted import BootedStack
from envparity.launch.client_addresses import ClientAddresses, Way
from envparity.launch.listening import accepts, listens
from envparity.launch.local.parts import (
    AgentBeside,
    BootedDependency,
    BootedReplica,
    administered,
    answers,
    patience_of,
)
from envparity.launch.log_text import read_log_file
from envparity.launch.process.agent import StartAgent, agent_on_this_machine
from envparity.launch.process.child import Child, Program
from envparity.launch.process.servers import Server
from envparity.launch.process.settled import settled
from envparity.launch.process.shell import ProcessShell
from envparity.launch.server_log import LOG_LINES
from envparity.launch.warm.command import PythonCommand, WarmUnavailable
from envparity.launch.warm.pool import WarmPool
from envparity.launch.workers import Workers, workers_at
from envparity.support.stalls import Deadline

__all__ = ["FileLog", "ProcessStack", "RunningDependency", "RunningReplica"]

_COMMAND_S = 10.0
_FIRST_CLIENT = IPv4Address("127.0.1.101")  # of three digits all: none begins another
_EVERY_S = 0.01
_THROTTLED_S = 0.1


@dataclass
class RunningDependency(BootedDependency):
    """A dependency's server (None where the boot keeps it down), and where the proxy finds it."""

    server: Server | None = None
    address: tuple[str, int] = ("127.0.0.1", 0)
    prepared: bool = False
    began: float = 0.0  # where its log was when it was started last

    @property
    def there(self) -> bool:
        return self.server is not None


@dataclass
class RunningReplica(BootedReplica):
    """A replica's process, and the port of 127.0.0.1 that it was told to listen on."""

    child: Child
    port: int


@dataclass(frozen=True)
class FileLog:
    """A log in a file; its positions are bytes."""

    path: Path

    def position(self) -> float:
        """0 where there is no file yet."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    async def since(self, begin: float) -> str:
        """What stands there from that byte."""
        return read_log_file(self.path, int(begin))


@dataclass(frozen=True)
class ProcessBeside:
    """A dependency's process, as its kind may ask it (`Beside`). `began`: where its log was at its last start."""

    server: Server
    began: float

    @property
    def port(self) -> int:
        return self.server.port

    async def listens(self) -> bool:
        known = listens(self.server.port)
        return await accepts(("127.0.0.1", self.server.port)) if known is None else known

    async def log(self) -> str:
        return await FileLog(self.server.child.program.log).since(self.began)

    async def run(self, command: tuple[str, ...]) -> bool:
        """As who runs the server, with its environment and in its folder."""
        program = self.server.child.program
        found = shutil.which(command[0], path=program.environment.get("PATH"))
        if found is None:
            raise LaunchError(f"{command[0]!r} is not on this machine")
        asking = Program(
            (found, *command[1:]),
            program.environment,
            program.folder,
            program.log.with_suffix(".asked"),
            program.user,
            group=program.group,
            confined=program.confined,
        )
        child = Child(asking, self.server.guard)
        child.start()
        deadline = Deadline(_COMMAND_S)
        try:
            while child.exit_code is None:
                if deadline.passed:
                    return False
                await asyncio.sleep(_EVERY_S)
            return child.exit_code == 0
        finally:
            await child.stop(signal.SIGKILL, 0.0)


@dataclass(kw_only=True)
class ProcessStack(BootedStack):
    """A stack of processes. `ProcessLauncher.boot` makes it and takes it down.

    `command` starts a replica, with placeholders of ports.
    """

    replicas: list[RunningReplica] = field(default_factory=list)
    dependencies: dict[str, RunningDependency]
    start_agent: StartAgent
    command: Sequence[str]
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

    def dependency(self, name: str) -> RunningDependency:
        return self.dependencies[super().dependency(name).name]

    def warm(self, lanes: int) -> AbstractAsyncContextManager[WarmPool]:
        """Forks beside it (`BootsWarm`)."""
        return WarmPool.open(self, lanes)

    async def workers(self, replica: int) -> Workers | None:
        """The processes at the replica's port (`SeesWorkers`)."""
        return await workers_at(self.replicas[replica].port)

    def replica_of(self, connects: Hashable) -> int | None:
        """By the session of its process, in which all that it starts is."""
        sessions = {one.child.pid: one.index for one in self.replicas if one.child.exit_code is None}
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

    async def start_replica(self, index: int) -> None:
        self.replicas[index].child.start()
        await self.until_ready(index)

    async def restart_dependency(self, name: str) -> None:
        dependency = self.dependency(name)
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
        self.server_logs[name] = FileLog(server.child.program.log)

    async def note_addresses(self) -> None:
        self.addresses |= {f"127.0.0.1:{replica.port}": replica.index for replica in self.replicas}

    async def replica_log(self, index: int) -> tuple[str, ...]:
        return self.redacted(read_log_file(self.replicas[index].child.program.log))

    async def log_position(self, index: int) -> float:
        """In bytes of its file."""
        return FileLog(self.replicas[index].child.program.log).position()

    async def logged(self, index: int, begin: float, end: float | None) -> tuple[str, ...]:
        log = self.replicas[index].child.program.log
        return self.redacted(read_log_file(log, int(begin), None if end is None else int(end)))

    async def replica_end(self, index: int) -> tuple[int | None, bool]:
        """No limit of memory is set, so none is exceeded."""
        return self.replicas[index].child.exit_code, False

    async def dependency_log(self, name: str) -> tuple[str, ...]:
        server = self.dependencies[name].server
        return () if server is None else self.redacted(server.child.log_tail(LOG_LINES))

    def argv(self) -> Sequence[str]:
        return self.command

    def agent_beside(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        return agent_on_this_machine(self.start_agent, command, lanes)

    @asynccontextmanager
    async def administrator(self, name: str) -> AsyncIterator[Administrator]:
        server, kind = self.dependency(name).server, administered(self.environment.dependencies[name])
        if server is None:
            raise WarmUnavailable(f"{name} is down in this boot")
        async with ProcessShell.open(server) as shell:
            yield kind.administrator(shell)

    async def _again_before(self, deadline: Deadline, dependency: RunningDependency, patience_s: float) -> None:
        server = dependency.server
        if deadline.passed or (server is not None and server.child.exit_code is not None):
            log = await self.dependency_log(dependency.name)
            raise DeadlineExceeded(f"{dependency.name} to answer", patience_s, "\n".join(log[-10:]))
        await asyncio.sleep(_EVERY_S)
