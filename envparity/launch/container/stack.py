"""One booted environment in containers, and what can be done to it while it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from envparity.dependency.kind import Server
from envparity.errors import DeadlineExceeded, EnvparityError, LaunchError
from envparity.launch.client_addresses import ClientAddresses, Way
from envparity.launch.container.beside import ContainerBeside
from envparity.launch.container.engine import Engine
from envparity.launch.container.log import ContainerLog
from envparity.launch.container.looks import Looks
from envparity.launch.container.parts import ContainerDependency, ContainerReplica
from envparity.launch.container.ports import port_now, state_of
from envparity.launch.container.processors import granted_to, throttled
from envparity.launch.container.replica_port import replica_probe
from envparity.launch.container.stopping import stop_gracefully
from envparity.launch.container.warm_ground import ContainerGround
from envparity.launch.listening import network_of
from envparity.launch.local.parts import (
    answers,
    direct_endpoint,
    patience_of,
)
from envparity.launch.local.stack import LocalStack
from envparity.launch.warm.pool import WarmPool
from envparity.launch.workers import Workers, workers_at
from envparity.support.stalls import Deadline, Granted
from envparity.support.together import together

__all__ = ["ContainerStack"]


@dataclass(kw_only=True)
class ContainerStack(LocalStack):
    """A stack of containers. `ContainerLauncher.boot` makes it and takes it down.

    `clients` are the ways of clients with addresses of their own.
    """

    replicas: list[ContainerReplica]
    dependencies: dict[str, ContainerDependency]
    ground: ContainerGround
    engine: Engine
    clients: ClientAddresses

    def ways(self, count: int) -> AbstractAsyncContextManager[Sequence[Way]]:
        """By relays, each with an address in the boot's network (`GivesAddresses`)."""
        return self.clients.have(count)

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

    async def kill_replica(self, index: int) -> None:
        """SIGKILL by the engine."""
        container, stop_s = self.replicas[index].container, self.backend.phases.stop_s
        await self.engine.call(f"replica {index} to be killed", container.kill, stop_s)
        await self.engine.call(f"replica {index} to end", container.wait, stop_s)

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
        dependency = self.dependencies[self.controlled.dependency(name).name]
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
                log = await self.logs.dependency(name)
                raise DeadlineExceeded(f"{name} to answer", patience_s, "\n".join(log[-10:]))
            await asyncio.sleep(0.02)
        dependency.reached_at(("127.0.0.1", port))
        self.logs.servers[name] = ContainerLog(self.engine, container, name)

    async def note_addresses(self) -> None:
        """Learn the replicas' addresses inside the network, by which the ingress names them."""
        for replica in self.replicas:
            await self.engine.call("the replica's address", replica.container.reload)
            self._note_address(replica)

    def _note_address(self, replica: ContainerReplica) -> None:
        for network in replica.container.attrs["NetworkSettings"]["Networks"].values():
            self.addresses[f"{network['IPAddress']}:{replica.inner_port}"] = replica.index

    async def replica_end(self, index: int) -> tuple[int | None, bool]:
        state = await state_of(self.engine, self.replicas[index].container)
        return None if state["Running"] else int(state["ExitCode"]), bool(state["OOMKilled"])

    async def granted(self) -> Granted | None:
        """As the engine counts it for each replica's container; None where it does not: no boot fails for that."""
        try:
            return sum(
                await together(*(granted_to(self.engine, replica.container) for replica in self.replicas)), Granted()
            )
        except EnvparityError:
            return None
