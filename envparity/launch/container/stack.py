"""One booted environment in containers, and what can be done to it while it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from docker.models.containers import Container

from envparity.dependency.kind import Administrator, Server, ServerPlan
from envparity.errors import DeadlineExceeded, EngineFailed, EnvparityError, LaunchError
from envparity.launch.booted import (
    LOG_LINES,
    AgentBeside,
    BootedDependency,
    BootedReplica,
    BootedStack,
    administered,
    answers,
    direct_endpoint,
    patience_of,
)
from envparity.launch.container.agent import agent_in_container
from envparity.launch.container.engine import Engine
from envparity.launch.container.ports import published_port
from envparity.launch.container.replica_port import port_listens, replica_probe
from envparity.launch.container.shell import ContainerShell
from envparity.launch.container.start_gate import ungated
from envparity.launch.container.stopping import stop_gracefully
from envparity.launch.listening import network_of
from envparity.launch.log_text import KeptLog
from envparity.launch.warm.command import PythonCommand, WarmUnavailable
from envparity.launch.workers import Workers, workers_at
from envparity.support.stalls import Deadline, Granted
from envparity.support.together import together

__all__ = ["ContainerLog", "ContainerStack", "RunningDependency", "RunningReplica"]

StartBeside = Callable[[str, ServerPlan, Mapping[str, Any]], Awaitable[Container]]
_COMMAND_S = 10.0
_COUNTED_S = 5.0
_NANOSECONDS = 1e9


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


@dataclass(frozen=True)
class ContainerLog:
    """A container's log, as the engine keeps it; its positions are moments of the engine's clock, this machine's."""

    engine: Engine
    container: Container
    what: str

    def position(self) -> float:
        """Now."""
        return time.time()

    async def since(self, begin: float) -> str:
        """What was written from that moment on."""

        def read() -> str:
            kept = KeptLog()
            for chunk in self.container.logs(stream=True, follow=False, since=begin):
                kept.feed(chunk)
            return kept.text

        return await self.engine.call(f"{self.what}'s log", read)


@dataclass(frozen=True)
class ContainerBeside:
    """A dependency's container, as its kind may ask it (`Beside`). `began` is when it was started last."""

    engine: Engine
    container: Container
    name: str
    port: int
    began: float

    async def listens(self) -> bool:
        return await port_listens(self.container, self.port)

    async def log(self) -> str:
        return await ContainerLog(self.engine, self.container, self.name).since(self.began)

    async def run(self, command: tuple[str, ...]) -> bool:
        def run() -> bool:
            return bool(self.container.exec_run(list(command)).exit_code == 0)

        try:
            return await self.engine.call(f"{command[0]} in {self.name}", run, _COMMAND_S)
        except (EngineFailed, DeadlineExceeded):
            return False  # it has ended, or has not begun


@dataclass(kw_only=True)
class ContainerStack(BootedStack[RunningReplica, RunningDependency]):
    """A stack of containers. `ContainerLauncher.boot` makes it and takes it down.

    `start_beside` starts one more container as the platform starts a replica: its name, its plan, and what the engine
    is told beyond the platform's limits, or instead of them.
    """

    engine: Engine
    start_beside: StartBeside

    async def workers(self, replica: int) -> Workers | None:
        """The processes at the port in the replica's container (`SeesWorkers`), where this kernel shows it."""
        container = self.replicas[replica].container
        pid = int(container.attrs["State"]["Pid"])
        network = await asyncio.to_thread(network_of, pid, str(container.id))
        return None if network is None else await workers_at(self.replicas[replica].inner_port, network)

    async def stop_replica(self, index: int) -> None:
        """SIGTERM, or what its image asks for, and after the environment's grace period SIGKILL."""
        grace_s, stop_s = self.environment.platform.stop_grace_s, self.backend.phases.stop_s
        await stop_gracefully(self.engine, self.replicas[index].container, f"replica {index}", grace_s, stop_s)

    async def start_replica(self, index: int) -> None:
        replica = self.replicas[index]
        await self.engine.call(f"replica {index} to start", replica.container.start)
        port = await self._published(replica.container, replica.inner_port)
        await replica.probe.close()
        health_port = self.backend.health.port
        asked = port if health_port is None else await self._published(replica.container, health_port)
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
        await self.connect_proxy(dependency)

    async def connect_proxy(self, dependency: RunningDependency) -> None:
        """Point the proxy at the container's published port once the server behind it answers."""
        container = dependency.container
        if container is None:
            return
        port = await self._published(container, dependency.port)
        declared = self.environment.dependencies[dependency.name]
        server = Server("127.0.0.1", port, dependency.password, self.dependency_tls.get(dependency.name))
        patience_s = patience_of(declared)
        deadline = Deadline(patience_s)
        beside = ContainerBeside(self.engine, container, dependency.name, dependency.port, dependency.began)
        while not await answers(declared, server, beside):
            if deadline.passed or not (await self._state(container))["Running"]:
                log = await self._log(container, f"{dependency.name}'s log")
                raise DeadlineExceeded(f"{dependency.name} to answer", patience_s, "\n".join(log[-10:]))
            await asyncio.sleep(0.02)
        dependency.reached_at(("127.0.0.1", port))
        self.server_logs[dependency.name] = ContainerLog(self.engine, container, dependency.name)

    async def note_addresses(self) -> None:
        """Learn the replicas' addresses inside the network, by which the ingress names them."""
        for replica in self.replicas:
            await self.engine.call("the replica's address", replica.container.reload)
            self._note_address(replica)

    def _note_address(self, replica: RunningReplica) -> None:
        for network in replica.container.attrs["NetworkSettings"]["Networks"].values():
            self.addresses[f"{network['IPAddress']}:{replica.inner_port}"] = replica.index

    async def replica_log(self, replica: RunningReplica) -> tuple[str, ...]:
        return await self._log(replica.container, "the backend's log", tail="all")

    async def log_position(self, replica: RunningReplica) -> float:  # noqa: ARG002  all have the engine's clock
        """In seconds of the clock that the engine gives every line its time by: it is this machine's."""
        return time.time()

    async def logged(self, replica: RunningReplica, begin: float, end: float | None) -> tuple[str, ...]:
        return await self._log(replica.container, "the backend's log", since=begin, until=end)

    async def replica_end(self, replica: RunningReplica) -> tuple[int | None, bool]:
        state = await self._state(replica.container)
        return None if state["Running"] else int(state["ExitCode"]), bool(state["OOMKilled"])

    async def granted(self) -> Granted | None:
        """As the engine counts it for each replica's container; None where it does not: no boot fails for that."""

        def counted(container: Container) -> Granted:
            stats = self.engine.client.api.stats(str(container.id), stream=False, one_shot=True)["cpu_stats"]
            limited = stats.get("throttling_data", {})
            return Granted(
                stats.get("cpu_usage", {}).get("total_usage", 0) / _NANOSECONDS,
                limited.get("periods", 0),
                limited.get("throttled_periods", 0),
                limited.get("throttled_time", 0) / _NANOSECONDS,
            )

        asked = (
            self.engine.call("what a replica had of the processors", partial(counted, one.container), _COUNTED_S)
            for one in self.replicas
        )
        try:
            return sum(await together(*asked), Granted())
        except EnvparityError:
            return None

    async def dependency_log(self, dependency: RunningDependency) -> tuple[str, ...]:
        if dependency.container is None:
            return ()
        return await self._log(dependency.container, f"{dependency.name}'s log")

    def argv(self) -> Sequence[str]:
        """The entry point and command of a replica's container, as the engine has them."""
        config = self.replicas[0].container.attrs["Config"]
        argv = ungated([*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())])
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

        def read() -> str:
            kept = KeptLog()
            for chunk in container.logs(stream=True, follow=False, **asked):
                kept.feed(chunk)
            return kept.text

        return self.redacted(await self.engine.call(what, read))

    async def _state(self, container: Container) -> dict[str, Any]:
        await self.engine.call("the container's state", container.reload)
        state: dict[str, Any] = container.attrs["State"]
        return state

    async def _published(self, container: Container, port: int) -> int:
        await self.engine.call("the container's port", container.reload)
        return published_port(container, port)
