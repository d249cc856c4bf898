"""One booted environment in containers, and what can be done to it while it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from docker.models.containers import Container

from envparity.dependency.kind import Administrator, Server, ServerPlan
from envparity.errors import DeadlineExceeded, EnvparityError, LaunchError
from envparity.launch.booted import BootedStack
from envparity.launch.client_addresses import ClientAddresses, Way
from envparity.launch.container.agent import agent_in_container
from envparity.launch.container.beside import ContainerBeside
from envparity.launch.container.engine import Engine
from envparity.launch.container.log import ContainerLog, read_log
from envparity.launch.container.looks import Looks
from envparity.launch.container.ports import port_now, state_of
from envparity.launch.container.processors import granted_to, throttled
from envparity.launch.container.replica_port import replica_probe
from envparity.launch.container.shell import ContainerShell
from envparity.launch.container.start_gate import ungated
from envparity.launch.container.stopping import stop_gracefully
from envparity.launch.listening import network_of
from envparity.launch.local.parts import (
    AgentBeside,
    BootedDependency,
    BootedReplica,
    administered,
    answers,
    direct_endpoint,
    patience_of,
)
from envparity.launch.server_log import LOG_LINES
from envparity.launch.warm.command import PythonCommand, WarmUnavailable
from envparity.launch.warm.pool import WarmPool
from envparity.launch.workers import Workers, workers_at
from envparity.support.stalls import Deadline, Granted
from envparity.support.together import together

__all__ = ["ContainerStack", "RunningDependency", "RunningReplica"]

StartBeside = Callable[[str, ServerPlan, Mapping[str, object]], Awaitable[Container]]


@dataclass
class RunningDependency(BootedDependency):
    """A dependency's container (None where the boot keeps it down), and the port that its server has in it."""

    container: Container | None
    port: int
    began: float = 0.0  # when it was started last, on the engine's clock

    @property
    def there(self) -> bool:
        return self.container is not None


@dataclass
class RunningReplica(BootedReplica):
    """A replica's container, and the port that the backend has in it."""

    container: Container
    inner_port: int


@dataclass(kw_only=True)
class ContainerStack(BootedStack):
    """A stack of containers. `ContainerLauncher.boot` makes it and takes it down.

    `start_beside` starts one more container as the platform starts a replica: its name, its plan, and what the engine
    is told beyond the platform's limits, or instead of them. `clients` are the ways of clients
    with addresses of their own.
    """

    replicas: list[RunningReplica] = field(default_factory=list)
    dependencies: dict[str, RunningDependency]
    engine: Engine
    start_beside: StartBeside
    clients: ClientAddresses

    def ways(self, count: int) -> AbstractAsyncContextManager[Sequence[Way]]:
        """By relays, each with an address in the boot's network (`GivesAddresses`)."""
        return self.clients.have(count)

    def dependency(self, name: str) -> RunningDependency:
        return self.dependencies[super().dependency(name).name]

    def warm(self, lanes: int) -> AbstractAsyncContextManager[WarmPool]:
        """Forks beside it (`BootsWarm`)."""
        return WarmPool.open(self, lanes)

    async def workers(self, replica: int) -> Workers | None:
        """The processes at the port in the replica's container (`SeesWorkers`), where this kernel shows it."""
        container = self.replicas[replica].container
        pid = int(container.attrs["State"]["Pid"])
        network = await asyncio.to_thread(network_of, pid, str(container.id))
        return None if network is None else await workers_at(self.replicas[replica].inner_port, network)

    def replica_of(self, connects: Hashable) -> int | None:
        """By its address in the boot's network."""
        return next((index for at, index in self.addresses.items() if at.rpartition(":")[0] == connects), None)

    async def throttle_replica(self, index: int, share: float, for_s: float) -> None:
        """Its control group is given less, and afterwards what its platform gives it."""
        await throttled(self.engine, self.replicas[index].container, self.environment.platform.cpus, share, for_s)

    async def stop_replica(self, index: int) -> None:
        """SIGTERM, or what its image asks for, and after the environment's grace period SIGKILL."""
        grace_s, stop_s = self.environment.platform.stop_grace_s, self.backend.phases.stop_s
        await stop_gracefully(self.engine, self.replicas[index].container, f"replica {index}", grace_s, stop_s)

    async def start_replica(self, index: int) -> None:
        replica = self.replicas[index]
        await self.engine.call(f"replica {index} to start", replica.container.start)
        port = await port_now(self.engine, replica.container, replica.inner_port)
        await replica.probe.close()
        health_port = self.backend.health.port
        asked = port if health_port is None else await port_now(self.engine, replica.container, health_port)
        replica.probe = replica_probe(self.backend, replica.container, asked, replica.inner_port)
        if self.environment.ingress.kind == "none" and index == 0:
            self.endpoint = direct_endpoint(port, self.environment.ingress)
        await self.until_ready(index)
        self._note_address(replica)

    async def restart_dependency(self, name: str) -> None:
        dependency = self.dependency(name)
        container = dependency.container
        if container is None:
            raise LaunchError(f"{name} is down in this boot and cannot be restarted")
        dependency.began = time.time()
        await self.engine.call(f"{name} to restart", lambda: container.restart(timeout=5))
        await self.connect_proxy(name)

    async def connect_proxy(self, name: str) -> None:
        """Point the proxy at the container's published port once the server behind it answers."""
        dependency = self.dependencies[name]
        container = dependency.container
        if container is None:
            return
        port = await port_now(self.engine, container, dependency.port)
        declared = self.environment.dependencies[name]
        server = Server("127.0.0.1", port, dependency.password, self.given.dependency_tls.get(name))
        patience_s = patience_of(declared)
        deadline, looks = Deadline(patience_s), Looks()
        beside = ContainerBeside(self.engine, container, name, dependency.port, dependency.began)
        while not await answers(declared, server, beside):
            if deadline.passed or (looks.due and not (await state_of(self.engine, container))["Running"]):
                log = await self._log(container, f"{name}'s log")
                raise DeadlineExceeded(f"{name} to answer", patience_s, "\n".join(log[-10:]))
            await asyncio.sleep(0.02)
        dependency.reached_at(("127.0.0.1", port))
        self.server_logs[name] = ContainerLog(self.engine, container, name)

    async def note_addresses(self) -> None:
        """Learn the replicas' addresses inside the network, by which the ingress names them."""
        for replica in self.replicas:
            await self.engine.call("the replica's address", replica.container.reload)
            self._note_address(replica)

    def _note_address(self, replica: RunningReplica) -> None:
        for network in replica.container.attrs["NetworkSettings"]["Networks"].values():
            self.addresses[f"{network['IPAddress']}:{replica.inner_port}"] = replica.index

    async def replica_log(self, index: int) -> tuple[str, ...]:
        return await self._log(self.replicas[index].container, "the backend's log", tail="all")

    async def log_position(self, index: int) -> float:  # noqa: ARG002  all have the engine's clock
        """In seconds of the clock that the engine gives every line its time by: it is this machine's."""
        return time.time()

    async def logged(self, index: int, begin: float, end: float | None) -> tuple[str, ...]:
        return await self._log(self.replicas[index].container, "the backend's log", since=begin, until=end)

    async def replica_end(self, index: int) -> tuple[int | None, bool]:
        state = await state_of(self.engine, self.replicas[index].container)
        return None if state["Running"] else int(state["ExitCode"]), bool(state["OOMKilled"])

    async def granted(self) -> Granted | None:
        """As the engine counts it for each replica's container; None where it does not: no boot fails for that."""
        try:
            return sum(await together(*(granted_to(self.engine, one.container) for one in self.replicas)), Granted())
        except EnvparityError:
            return None

    async def dependency_log(self, name: str) -> tuple[str, ...]:
        container = self.dependencies[name].container
        return () if container is None else await self._log(container, f"{name}'s log")

    def argv(self) -> Sequence[str]:
        """The entry point and command of a replica's container, as the engine has them."""
        config = self.replicas[0].container.attrs["Config"]
        argv = ungated([*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())])
        if self.environment.entrypoint or self.environment.arguments:
            return argv  # as they stand, without a port in them
        command = self.environment.command or self.backend.command
        return [*argv[: len(argv) - len(command)], *command]

    def agent_beside(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        return agent_in_container(self, command, lanes)

    @asynccontextmanager
    async def administrator(self, name: str) -> AsyncIterator[Administrator]:
        container = self.dependency(name).container
        if container is None:
            raise WarmUnavailable(f"{name} is down in this boot")
        kind = administered(self.environment.dependencies[name])
        async with ContainerShell.open(self.engine, container, kind.shell) as shell:
            yield kind.administrator(shell)

    async def _log(self, container: Container, what: str, **asked: Any) -> tuple[str, ...]:
        """The end of a container's log, or what is asked for of it, without the secrets."""
        asked = asked or {"tail": LOG_LINES}

        return self.redacted(await self.engine.call(what, lambda: read_log(container, **asked)))
