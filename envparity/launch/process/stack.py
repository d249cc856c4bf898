"""One booted environment of processes, and what can be done to it while it runs."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.booted import LOG_LINES, AgentBeside, BootedDependency, BootedReplica, BootedStack
from envparity.launch.dependencies import answers
from envparity.launch.postgres_session import PostgresSession
from envparity.launch.process.agent import StartAgent, agent_on_this_machine
from envparity.launch.process.child import Child
from envparity.launch.process.servers import PostgresServer, Server
from envparity.launch.process.sessions import ProcessPostgresSession
from envparity.launch.process.settled import settled
from envparity.launch.redis_session import RedisSession
from envparity.launch.secrets import redact
from envparity.launch.warm.command import PythonCommand, WarmUnavailable

__all__ = ["ProcessStack", "RunningDependency", "RunningReplica"]

_ANSWER_S = 15.0
_EVERY_S = 0.01


@dataclass
class RunningDependency(BootedDependency):
    """A dependency's server (None where the boot keeps it down), and where the proxy finds it."""

    server: Server | None = None
    address: tuple[str, int] = ("127.0.0.1", 0)
    prepared: bool = False

    @property
    def there(self) -> bool:
        return self.server is not None


@dataclass
class RunningReplica(BootedReplica):
    """A replica's process, and the port of 127.0.0.1 that it was told to listen on."""

    child: Child
    port: int


@dataclass(kw_only=True)
class ProcessStack(BootedStack[RunningReplica, RunningDependency]):
    """A stack of processes. `ProcessLauncher.boot` makes it and takes it down."""

    start_agent: StartAgent

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
        dependency.server.start()
        await self.connect_proxy(dependency)

    async def redis_command(self, dependency: str, command: tuple[str, ...]) -> None:
        server, upstream = self.dependency(dependency).server, self.dependency(dependency).proxy.upstream
        if server is None or upstream is None:
            raise LaunchError(f"{dependency} is down in this boot: cannot run {command[0]}")
        try:
            async with RedisSession.open(upstream, server.password, self.dependency_tls.get(dependency)) as session:
                await session.run(0, command)
        except LaunchError as error:
            raise LaunchError(f"{dependency} refused {command[0]}: {redact(str(error), self.secret_values)}") from error

    async def connect_proxy(self, dependency: RunningDependency) -> None:
        """Point the proxy at the server, or at the TLS in front of it, once it answers."""
        server = dependency.server
        if server is None:
            return
        deadline = time.monotonic() + _ANSWER_S
        try:
            while not server.ready:
                await self._again_before(deadline, dependency)
            if not dependency.prepared:
                await settled(server.prepare)
                dependency.prepared = True
        except LaunchError as error:
            raise LaunchError(f"{dependency.name}: {redact(str(error), self.secret_values)}") from error
        context = self.dependency_tls.get(dependency.name)
        while not await answers(dependency.kind, *dependency.address, context):
            await self._again_before(deadline, dependency)
        dependency.proxy.upstream = dependency.address

    async def note_addresses(self) -> None:
        self.addresses |= {f"127.0.0.1:{replica.port}": replica.index for replica in self.replicas}

    async def replica_log(self, replica: RunningReplica) -> tuple[str, ...]:
        return self.redacted(replica.child.log_tail(LOG_LINES))

    async def replica_end(self, replica: RunningReplica) -> tuple[int | None, bool]:
        """No limit of memory is set, so none is exceeded."""
        return replica.child.exit_code, False

    async def dependency_log(self, dependency: RunningDependency) -> tuple[str, ...]:
        return () if dependency.server is None else self.redacted(dependency.server.child.log_tail(LOG_LINES))

    def argv(self) -> Sequence[str]:
        return self.replicas[0].child.program.argv

    def agent_beside(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        return agent_on_this_machine(self.start_agent, command, lanes)

    @asynccontextmanager
    async def postgres_session(self, name: str) -> AsyncIterator[PostgresSession]:
        server = self.dependency(name).server
        if not isinstance(server, PostgresServer):
            raise WarmUnavailable(f"{name} is down in this boot")
        async with ProcessPostgresSession.open(server) as session:
            yield session

    async def _again_before(self, deadline: float, dependency: RunningDependency) -> None:
        if time.monotonic() > deadline:
            log = await self.dependency_log(dependency)
            raise DeadlineExceeded(f"{dependency.name} to answer", _ANSWER_S, "\n".join(log[-10:]))
        await asyncio.sleep(_EVERY_S)
