"""One booted environment in containers, and what can be done to it while it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from docker.models.containers import Container

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.booted import (
    LOG_LINES,
    AgentBeside,
    BootedDependency,
    BootedReplica,
    BootedStack,
    direct_endpoint,
)
from envparity.launch.container.agent import agent_in_container
from envparity.launch.container.engine import Engine
from envparity.launch.container.ports import published_port
from envparity.launch.container.servers import CA_PATH, ServerPlan
from envparity.launch.container.sessions import ContainerPostgresSession
from envparity.launch.dependencies import answers
from envparity.launch.health import HealthProbe
from envparity.launch.postgres_session import PostgresSession
from envparity.launch.secrets import redact
from envparity.launch.warm.command import PythonCommand, WarmUnavailable

__all__ = ["ContainerStack", "RunningDependency", "RunningReplica"]

StartBeside = Callable[[str, ServerPlan, Mapping[str, Any]], Awaitable[Container]]
_ANSWER_S = 15.0


@dataclass
class RunningDependency(BootedDependency):
    """A dependency's container (None where the boot keeps it down), and the port that its server has in it."""

    container: Container | None
    port: int

    @property
    def there(self) -> bool:
        return self.container is not None


@dataclass
class RunningReplica(BootedReplica):
    """A replica's container, and the port that the backend has in it."""

    container: Container
    inner_port: int


@dataclass(kw_only=True)
class ContainerStack(BootedStack[RunningReplica, RunningDependency]):
    """A stack of containers. `ContainerLauncher.boot` makes it and takes it down.

    `start_beside` starts one more container as the platform starts a replica: its name, its plan, and what the engine
    is told beyond the platform's limits, or instead of them.
    """

    engine: Engine
    start_beside: StartBeside

    async def stop_replica(self, index: int) -> None:
        """SIGTERM, and after the environment's grace period SIGKILL (the engine's own `stop`)."""
        grace_s = self.environment.platform.stop_grace_s
        container = self.replicas[index].container
        await self.engine.call(
            f"replica {index} to stop",
            lambda: container.stop(timeout=int(grace_s)),
            grace_s + self.backend.phases.stop_s,
        )

    async def start_replica(self, index: int) -> None:
        replica = self.replicas[index]
        await self.engine.call(f"replica {index} to start", replica.container.start)
        port = await self._published(replica.container, replica.inner_port)
        await replica.probe.close()
        replica.probe = HealthProbe(self.backend, f"http://127.0.0.1:{port}")
        if self.environment.ingress.kind == "none" and index == 0:
            self.endpoint = direct_endpoint(port)
        await self.until_ready(index)
        self._note_address(replica)

    async def restart_dependency(self, name: str) -> None:
        dependency = self.dependency(name)
        container = dependency.container
        if container is None:
            raise LaunchError(f"{name} is down in this boot and cannot be restarted")
        await self.engine.call(f"{name} to restart", lambda: container.restart(timeout=5))
        await self.connect_proxy(dependency)

    async def redis_command(self, dependency: str, command: tuple[str, ...]) -> None:
        """Run it with `redis-cli` in the dependency's own container, with the password that is in its environment."""
        container = self.dependency(dependency).container
        if container is None:
            raise LaunchError(f"{dependency} is down in this boot: cannot run {command[0]}")
        # $REDIS_PASSWORD is expanded inside the container, so that no secret stands on a command line out here.
        script = 'REDISCLI_AUTH="$REDIS_PASSWORD" exec redis-cli --no-auth-warning '
        script += f'${{REDIS_TLS:+--tls --cacert {CA_PATH}}} "$@"'
        argv = ["sh", "-c", script, "redis-cli", *command]
        result = await self.engine.call(f"{dependency} to run {command[0]}", lambda: container.exec_run(argv))
        output = (result.output if isinstance(result.output, bytes) else b"").decode(errors="replace").strip()
        if result.exit_code != 0 or output.startswith(("ERR", "NOAUTH", "WRONGPASS", "(error)")):
            raise LaunchError(f"{dependency} refused {command[0]}: {redact(output, self.secret_values)}")

    async def connect_proxy(self, dependency: RunningDependency) -> None:
        """Point the proxy at the container's published port once the server behind it answers."""
        container = dependency.container
        if container is None:
            return
        port = await self._published(container, dependency.port)
        context = self.dependency_tls.get(dependency.name)
        deadline = time.monotonic() + _ANSWER_S
        while not await answers(dependency.kind, "127.0.0.1", port, context):
            if time.monotonic() > deadline or not (await self._state(container))["Running"]:
                log = await self._log(container, f"{dependency.name}'s log")
                raise DeadlineExceeded(f"{dependency.name} to answer", _ANSWER_S, "\n".join(log[-10:]))
            await asyncio.sleep(0.02)
        dependency.proxy.upstream = ("127.0.0.1", port)

    async def note_addresses(self) -> None:
        """Learn the replicas' addresses inside the network, by which the ingress names them."""
        for replica in self.replicas:
            await self.engine.call("the replica's address", replica.container.reload)
            self._note_address(replica)

    def _note_address(self, replica: RunningReplica) -> None:
        for network in replica.container.attrs["NetworkSettings"]["Networks"].values():
            self.addresses[f"{network['IPAddress']}:{replica.inner_port}"] = replica.index

    async def replica_log(self, replica: RunningReplica) -> tuple[str, ...]:
        return await self._log(replica.container, "the backend's log")

    async def replica_end(self, replica: RunningReplica) -> tuple[int | None, bool]:
        state = await self._state(replica.container)
        return None if state["Running"] else int(state["ExitCode"]), bool(state["OOMKilled"])

    async def dependency_log(self, dependency: RunningDependency) -> tuple[str, ...]:
        if dependency.container is None:
            return ()
        return await self._log(dependency.container, f"{dependency.name}'s log")

    def argv(self) -> Sequence[str]:
        """The entry point and command of a replica's container, as the engine has them."""
        config = self.replicas[0].container.attrs["Config"]
        return [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]

    def agent_beside(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        return agent_in_container(self, command, lanes)

    @asynccontextmanager
    async def postgres_session(self, name: str) -> AsyncIterator[PostgresSession]:
        container = self.dependency(name).container
        if container is None:
            raise WarmUnavailable(f"{name} is down in this boot")
        async with ContainerPostgresSession.open(self.engine, container) as session:
            yield session

    async def _log(self, container: Container, what: str) -> tuple[str, ...]:
        """The end of a container's log, without the secrets."""
        log = await self.engine.call(what, lambda: b"".join(container.logs(tail=LOG_LINES, stream=True, follow=False)))
        return self.redacted(log.decode(errors="replace"))

    async def _state(self, container: Container) -> dict[str, Any]:
        await self.engine.call("the container's state", container.reload)
        state: dict[str, Any] = container.attrs["State"]
        return state

    async def _published(self, container: Container, port: int) -> int:
        await self.engine.call("the container's port", container.reload)
        return published_port(container, port)
