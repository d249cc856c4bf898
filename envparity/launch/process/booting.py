"""Booting one case as processes of this machine, from its servers to its ingress."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envparity.case import Case
from envparity.environment import Dependency
from envparity.launch.booted import BootedStack, direct_endpoint
from envparity.launch.booting import Booting, Lasting, Place
from envparity.launch.certificates import IssuedCertificate
from envparity.launch.health import HealthProbe
from envparity.launch.leftovers import MARK
from envparity.launch.port import Endpoint, Waiting
from envparity.launch.process.child import Child, Program
from envparity.launch.process.guarding import Guard
from envparity.launch.process.held_port import HeldPort
from envparity.launch.process.ingress.opening import open_ingress
from envparity.launch.process.ingress.plan import IngressPlan
from envparity.launch.process.limits import Processors, program_path, user_of
from envparity.launch.process.programs import ServerPrograms
from envparity.launch.process.servers import PostgresServer, RedisServer, Server
from envparity.launch.process.settled import settled
from envparity.launch.process.stack import ProcessStack, RunningDependency, RunningReplica
from envparity.launch.process.tls_front import postgres_tls_front, redis_tls_front, server_context
from envparity.launch.proxy import Proxy

__all__ = ["Means", "ProcessBooting"]

_HOST = "127.0.0.1"
_NETWORK = "127.0.0.0/8"
_KILL_S = 0.0

Stack = BootedStack[RunningReplica, RunningDependency]


@dataclass(frozen=True)
class Means(Lasting):
    """What lasts a run: its folders (`memory` is quick, and holds what the servers write), programs, and guard."""

    folder: Path
    memory: Path
    code: Path
    argv: tuple[str, ...]
    variables: Mapping[str, str]
    programs: ServerPrograms
    processors: Processors
    guard: Guard


class ProcessBooting(Booting[RunningReplica, RunningDependency]):
    """The boot of one case. `number` tells its folders from those of any other boot of the run."""

    def __init__(self, means: Means, case: Case, waiting: Waiting, number: int) -> None:
        super().__init__(means, case, waiting)
        self._means = means
        self._folder, self._memory = means.folder / f"s{number}", means.memory / f"m{number}"
        self._exits: AsyncExitStack  # of the boot under way
        self._ports: list[int] = []  # of the replicas

    async def _place(self, exits: AsyncExitStack) -> Place:
        self._exits = exits
        exits.push_async_callback(self._remove)
        for folder in (self._folder, self._memory):
            folder.mkdir(mode=0o711)
            folder.chmod(0o711)  # whatever the umask
        replicas = range(self._environment.platform.replicas)
        self._ports = [exits.enter_context(HeldPort()).number for _ in replicas]
        return Place(_HOST, _NETWORK, str(self._means.ca_file), _HOST)

    async def _remove(self) -> None:
        for folder in (self._folder, self._memory):
            await settled(lambda folder=folder: shutil.rmtree(folder, ignore_errors=True))  # type: ignore[misc]

    def _dependency(self, name: str, declared: Dependency, proxy: Proxy) -> RunningDependency:
        return RunningDependency(name, declared.kind, proxy)

    def _stack(self, common: Mapping[str, Any], place: Place) -> ProcessStack:  # noqa: ARG002
        spaces = self._memory / "spaces"
        _made_for(spaces, self._means.programs.user)
        return ProcessStack(**common, memory_folder=str(spaces), start_agent=self._agent)

    async def _start_server(self, stack: Stack, dependency: RunningDependency) -> None:
        declared = self._environment.dependencies[dependency.name]
        number = sorted(stack.dependencies).index(dependency.name)
        # The path of a Unix socket below it may have 103 bytes, so it does not have the dependency's own name.
        server = await settled(lambda: self._server(dependency.name, declared, self._memory / f"d{number}"))
        dependency.server = server
        self._exits.push_async_callback(server.end)
        if declared.tls == "off":
            dependency.address = (_HOST, server.port)
        else:
            issued = self._authority.issue([dependency.name, declared.kind, "localhost", _HOST])
            dependency.address = await self._fronted(declared, server, issued)
        server.start()

    def _server(self, name: str, declared: Dependency, folder: Path) -> Server:
        password = self._password(name) if declared.kind == "postgres" or declared.password else ""
        given: dict[str, Any] = {
            "programs": self._means.programs,
            "folder": folder,
            "password": password,
            "guard": self._means.guard,
            "socket_only": declared.tls != "off",
            "environment": {MARK: self._means.run_id},
        }
        if declared.kind == "postgres":
            return PostgresServer(**given, max_connections=declared.max_connections)
        return RedisServer(**given)

    async def _fronted(self, declared: Dependency, server: Server, issued: IssuedCertificate) -> tuple[str, int]:
        front = postgres_tls_front if declared.kind == "postgres" else redis_tls_front
        return await self._exits.enter_async_context(front(server.socket, server_context(issued, self._folder), _HOST))

    async def _replica(self, stack: Stack, exits: AsyncExitStack, values: Mapping[str, str], index: int) -> None:
        port = self._ports[index]
        own = {**values, self._environment.platform.port_setting: str(port)}
        child = self._child(f"r{index}", self._means.argv, own)
        replica = RunningReplica(index, HealthProbe(self._backend, f"http://{_HOST}:{port}"), child, port)
        exits.push_async_callback(replica.close)
        exits.push_async_callback(child.stop, signal.SIGKILL, _KILL_S)
        child.start()
        stack.replicas.append(replica)
        if self._environment.ingress.kind == "none" and index == 0:
            stack.endpoint = direct_endpoint(port)

    async def _front(self, stack: Stack, exits: AsyncExitStack) -> None:
        """In front of ports that are held: a replica that is not there yet is refused, as in containers."""
        ingress = self._environment.ingress
        if ingress.kind == "none":
            return
        issued = self._authority.issue([ingress.host]) if ingress.tls else None
        folder = self._memory / "ingress"
        _made_for(folder, self._means.programs.user)
        plan = IngressPlan(ingress, issued, _HOST)
        upstreams = [(_HOST, port) for port in self._ports]
        opening = open_ingress(plan, upstreams, folder, variables={MARK: self._means.run_id})
        running = await exits.enter_async_context(opening)
        if running.pid is not None:
            self._means.guard.process(running.pid, signal.SIGTERM)
            exits.callback(self._means.guard.gone, running.pid)
        stack.endpoint = Endpoint(
            running.address, ingress.host, self._authority.client_context() if ingress.tls else None
        )

    def _agent(self, argv: Sequence[str], variables: Mapping[str, str]) -> Child:
        """Start the warm agent as a replica is started."""
        child = self._child("warm", argv, variables)
        child.start()
        return child

    def _child(self, name: str, argv: Sequence[str], given: Mapping[str, str]) -> Child:
        """Something that runs as the platform has a replica run: its user, its processors, a home of its own."""
        user = user_of(self._environment.platform, self._means.argv, self._means.code)
        home = self._folder / name
        _made_for(home, user)
        _made_for(home / "tmp", user)
        environment = {
            "PATH": program_path(),
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            MARK: self._means.run_id,
            **self._means.variables,
            **given,
        }
        log = self._folder / f"{name}.log"
        cpus = self._means.processors.take(self._environment.platform)
        program = Program(argv, environment, self._means.code, log, user, cpus)
        return Child(program, self._means.guard)


def _made_for(folder: Path, user: int | None) -> None:
    """Make that folder, for that user alone."""
    folder.mkdir(mode=0o700)
    if user is not None:
        os.chown(folder, user, user)
