"""Booting one case as processes of this machine, from its servers to its ingress."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from envparity.dependency.kind import CA_PATH, KINDS, kind_of
from envparity.errors import LaunchError
from envparity.launch.arrived import watched_headers
from envparity.launch.booted import BootedStack, direct_endpoint
from envparity.launch.booting import Booting, Lasting, Place
from envparity.launch.certificates import IssuedCertificate
from envparity.launch.health import HealthProbe
from envparity.launch.leftovers import MARK
from envparity.launch.listening import accepts, listens
from envparity.launch.log_text import read_log_file
from envparity.launch.port import Waiting
from envparity.launch.process.child import Child, Program
from envparity.launch.process.control_group import ControlGroup
from envparity.launch.process.guarding import Guard
from envparity.launch.process.held_port import HeldPort
from envparity.launch.process.ingress.opening import open_ingress
from envparity.launch.process.ingress.plan import IngressPlan
from envparity.launch.process.limits import Processors, backend_argv, program_path, user_of
from envparity.launch.process.programs import ServerPrograms
from envparity.launch.process.servers import HasServer, PlannedServer, Server
from envparity.launch.process.settled import settled
from envparity.launch.process.stack import FileLog, ProcessStack, RunningDependency, RunningReplica
from envparity.launch.process.start_gate import StartGate
from envparity.launch.process.tls_front import server_context
from envparity.launch.proxy import Proxy
from envparity.model.backend import ProcessSource
from envparity.model.case import Case
from envparity.model.commands import HEALTH_PORT, PORT, filled
from envparity.model.environment import Dependency, Job
from envparity.support.stalls import Deadline

__all__ = ["Means", "ProcessBooting"]

_HOST = "127.0.0.1"
_NETWORK = "127.0.0.0/8"
_KILL_S = 0.0
_EVERY_S = 0.02

Stack = BootedStack[RunningReplica, RunningDependency]


@dataclass(frozen=True)
class Means(Lasting):
    """What lasts a run: its folders (`memory` is quick, and holds what the servers write), programs, guard, and control
    group where there is one.
    """

    folder: Path
    memory: Path
    code: Path
    source: ProcessSource
    argv: tuple[str, ...]
    variables: Mapping[str, str]
    programs: ServerPrograms
    processors: Processors
    guard: Guard
    group: ControlGroup | None


class ProcessBooting(Booting[RunningReplica, RunningDependency]):
    """The boot of one case. `number` tells its folders from those of any other boot of the run."""

    def __init__(self, means: Means, case: Case, waiting: Waiting, number: int) -> None:
        super().__init__(means, case, waiting)
        self._means = means
        self._folder, self._memory = means.folder / f"s{number}", means.memory / f"m{number}"
        self._exits: AsyncExitStack  # of the boot under way
        self._ports: list[int] = []  # of the replicas
        own = self._environment.command
        self._command = backend_argv(msgspec.structs.replace(means.source, command=own)) if own else means.argv
        self._gate: StartGate | None = None  # at which they wait for each other

    async def _place(self, exits: AsyncExitStack) -> Place:
        self._exits = exits
        exits.push_async_callback(self._remove)
        for folder in (self._folder, self._memory):
            folder.mkdir(mode=0o711)
            folder.chmod(0o711)  # whatever the umask
        replicas = range(self._environment.platform.replicas)
        if len(replicas) > 1:
            self._gate = StartGate(len(replicas))
            exits.callback(self._gate.open)
        self._ports = [exits.enter_context(HeldPort()).number for _ in replicas]
        return Place(_HOST, _NETWORK, str(self._means.ca_file), _HOST)

    async def _remove(self) -> None:
        for folder in (self._folder, self._memory):
            await settled(lambda folder=folder: shutil.rmtree(folder, ignore_errors=True))  # type: ignore[misc]

    def _dependency(self, name: str, declared: Dependency, proxy: Proxy) -> RunningDependency:
        return RunningDependency(name, declared.kind, proxy, self._asked_password(name))

    def _stack(self, common: Mapping[str, Any], place: Place) -> ProcessStack:  # noqa: ARG002
        spaces = self._memory / "spaces"
        _made_for(spaces, self._means.programs.user)
        return ProcessStack(**common, memory_folder=str(spaces), start_agent=self._agent, command=self._command)

    async def _start_server(self, stack: Stack, dependency: RunningDependency) -> None:
        declared = self._declared(dependency.name)
        number = sorted(stack.dependencies).index(dependency.name)
        # The path of a Unix socket below it may have 103 bytes, so it does not have the dependency's own name.
        server = await settled(lambda: self._server(dependency.name, declared, self._memory / f"d{number}"))
        dependency.server = server
        self._exits.push_async_callback(server.end)
        issued = self._authority.issue([dependency.name, declared.kind, "localhost", _HOST])
        if declared.tls == "off":
            dependency.address = (_HOST, server.port)
        elif kind_of(declared).own_tls:
            dependency.address = (_HOST, server.port)
            server.take_certificate(issued, self._authority.certificate_pem)
        else:
            dependency.address = await self._fronted(declared, server, issued)
        server.start()

    def _server(self, name: str, declared: Dependency, folder: Path) -> Server:
        given: dict[str, Any] = {
            "programs": self._means.programs,
            "folder": folder,
            "password": self._asked_password(name),
            "guard": self._means.guard,
            "socket_only": declared.tls != "off" and not kind_of(declared).own_tls,
            "environment": {MARK: self._means.run_id},
            "group": self._means.group,
        }
        kind = kind_of(declared)
        if not isinstance(kind, HasServer):
            return PlannedServer(**given, declared=declared)
        with KINDS.guarding(kind):
            return kind.server(declared, **given)

    async def _fronted(self, declared: Dependency, server: Server, issued: IssuedCertificate) -> tuple[str, int]:
        kind = kind_of(declared)
        if not isinstance(kind, HasServer):
            raise LaunchError(f"a {declared.kind} of this machine speaks no TLS")
        with KINDS.guarding(kind):
            front = kind.front(server, server_context(issued, self._folder), _HOST)
        return await self._exits.enter_async_context(front)

    async def _replica(self, stack: Stack, exits: AsyncExitStack, values: Mapping[str, str], index: int) -> None:
        port = self._ports[index]
        apart = self._backend.health.port is not None
        health_port = exits.enter_context(HeldPort()).number if apart else port
        own = {**values, **_values(stack, {"platform.port": str(port)})}
        command = filled(self._command, {PORT: port, HEALTH_PORT: health_port})
        child = self._child(f"r{index}", command, own)
        probe = HealthProbe(self._backend, f"http://{_HOST}:{health_port}", lambda: _listens(port))
        replica = RunningReplica(index, probe, child, port)
        exits.push_async_callback(replica.close)
        exits.push_async_callback(child.stop, signal.SIGKILL, _KILL_S)
        child.start(self._gate)
        if self._gate is not None:
            await self._gate.passed()
        stack.replicas.append(replica)
        if self._environment.ingress.kind == "none" and index == 0:
            stack.endpoint = direct_endpoint(port, self._environment.ingress)

    async def _job(
        self, stack: Stack, exits: AsyncExitStack, values: Mapping[str, str], name: str, job: Job
    ) -> tuple[int | None, str]:
        del stack
        argv = backend_argv(msgspec.structs.replace(self._means.source, command=job.command))
        child = self._child(f"job-{name}", argv, values)
        exits.push_async_callback(child.stop, signal.SIGKILL, _KILL_S)
        child.start()
        deadline = Deadline(job.timeout_s)
        while (code := child.exit_code) is None:
            if deadline.passed:
                break
            await asyncio.sleep(_EVERY_S)
        await child.stop(signal.SIGKILL, _KILL_S)
        return code, read_log_file(child.program.log)

    async def _front(self, stack: Stack, exits: AsyncExitStack) -> None:
        """In front of ports that are held: a replica that is not there yet is refused, as in containers."""
        ingress = self._environment.ingress
        if ingress.kind == "none":
            return
        issued = self._authority.issue([ingress.host]) if ingress.tls else None
        folder = self._memory / "ingress"
        _made_for(folder, self._means.programs.user)
        plan = IngressPlan(ingress, issued, _HOST, watched=watched_headers(self._backend))
        upstreams = [(_HOST, port) for port in self._ports]
        opening = open_ingress(plan, upstreams, folder, variables={MARK: self._means.run_id})
        running = await exits.enter_async_context(opening)
        if running.pid is not None:
            self._means.guard.process(running.pid, signal.SIGTERM)
            exits.callback(self._means.guard.gone, running.pid)
        if running.log is not None:
            stack.server_logs["ingress"] = FileLog(running.log)
        tls = self._authority.client_context() if ingress.tls else None
        stack.endpoint = await self._ingress_endpoint(exits, running.address, tls)

    def _agent(self, argv: Sequence[str], variables: Mapping[str, str]) -> Child:
        """Start the warm agent as a replica is started."""
        child = self._child("warm", argv, variables)
        child.start()
        return child

    def _written(self, home: Path, values: Mapping[str, str], user: int | None) -> dict[str, str]:
        """The environment's files, filled with these settings, in a folder of their reader's; where each lies, by path.

        Of paths that begin alike the longest comes first.
        """
        places = {}
        for number, path in enumerate(sorted(self._environment.files, key=len, reverse=True)):
            folder = home / f"files-{number}"
            _made_for(folder, user)
            place = folder / Path(path).name
            place.write_text(self._environment.files[path].filled(values), encoding="utf-8", errors="surrogateescape")
            place.chmod(0o600)
            if user is not None:
                os.chown(place, user, user)
            places[path] = str(place)
        return places

    def _child(self, name: str, argv: Sequence[str], given: Mapping[str, str]) -> Child:
        """Something that runs as the platform has a replica run: its user, its processors, a home of its own."""
        user = user_of(self._environment.platform, self._command, self._means.code)
        home = self._folder / name
        _made_for(home, user)
        _made_for(home / "tmp", user)
        environment = {
            "PATH": program_path(),
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            # Python keeps back what it writes to a file: a log would say nothing of the moment that it is asked about.
            "PYTHONUNBUFFERED": "1",
            MARK: self._means.run_id,
            **self._means.variables,
            **given,
        }
        for path, place in self._written(home, given, user).items():
            argv = [argument.replace(path, place) for argument in argv]
            environment |= {key: value.replace(path, place) for key, value in given.items()}
            given = {key: environment[key] for key in given}
        log = self._folder / f"{name}.log"
        cpus = self._means.processors.take(self._environment.platform)
        root = os.geteuid() == 0
        program = Program(argv, environment, self._means.code, log, user, cpus, group=self._means.group, confined=root)
        return Child(program, self._means.guard)


def _values(stack: Stack, moved: Mapping[str, str]) -> dict[str, str]:
    """The settings as values, with these sources."""
    given = stack.resolve(stack.case.boot, moved)
    return {setting.name: setting.value.replace(CA_PATH, stack.ca_path) for setting in given}


async def _listens(port: int) -> bool:
    """Whether somebody listens on that port of this machine."""
    known = listens(port)
    return await accepts((_HOST, port)) if known is None else known


def _made_for(folder: Path, user: int | None) -> None:
    """Make that folder, for that user alone."""
    folder.mkdir(mode=0o700)
    if user is not None:
        os.chown(folder, user, user)
