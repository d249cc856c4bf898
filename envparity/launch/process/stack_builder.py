"""Booting one case as processes of this machine, from its servers to its ingress."""

from __future__ import annotations

import bisect
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import msgspec

from envparity.dependency.kind import CA_PATH
from envparity.launch.arrived import watched_headers
from envparity.launch.cleanup.leftovers import MARK
from envparity.launch.clocks import clock_variables, faketime_library
from envparity.launch.health import HealthProbe
from envparity.launch.listening import accepts, listens
from envparity.launch.local.front import ingress_endpoint
from envparity.launch.local.given import Given, StackNetwork
from envparity.launch.local.offers import asked_password
from envparity.launch.local.parts import direct_endpoint
from envparity.launch.port import Waiting
from envparity.launch.process.backend_children import BackendChildren
from envparity.launch.process.child import Child
from envparity.launch.process.dependency_servers import DependencyServers
from envparity.launch.process.folders import made_for
from envparity.launch.process.further_programs import ProcessPrograms
from envparity.launch.process.held_port import HeldPort
from envparity.launch.process.ingress.opening import open_ingress
from envparity.launch.process.ingress.plan import IngressPlan
from envparity.launch.process.limits import backend_argv
from envparity.launch.process.logs import FileLog, ProcessLogs
from envparity.launch.process.parts import ProcessDependency, ProcessReplica
from envparity.launch.process.releases import Releases
from envparity.launch.process.resources import ProcessResources
from envparity.launch.process.settled import settled
from envparity.launch.process.stack import ProcessStack
from envparity.launch.process.start_gate import ProcessStartGate
from envparity.launch.process.warm_ground import ProcessGround
from envparity.launch.proxy import Proxy
from envparity.launch.stack_builder import StackBuilder
from envparity.model.case import Boot
from envparity.model.commands import HEALTH_PORT, PORT, filled
from envparity.model.environment import Dependency, Environment

__all__ = ["ProcessStackBuilder"]

_HOST = "127.0.0.1"
_NETWORK = "127.0.0.0/8"
_KILL_S = 0.0
_EVERY_S = 0.02


class ProcessStackBuilder(StackBuilder):
    """The boot of one case. `number` tells its folders from those of any other boot of the run."""

    def __init__(
        self, means: ProcessResources, environment: Environment, boot: Boot, waiting: Waiting, number: int
    ) -> None:
        super().__init__(means, environment, boot, waiting)
        self._means = means
        self._folder, self._memory = means.folder / f"s{number}", means.memory / f"m{number}"
        self._dependencies: dict[str, ProcessDependency] = {}
        self._exits: AsyncExitStack  # of the boot under way, as are its servers and its stack
        self._servers: DependencyServers
        self._booted: ProcessStack
        self._ports: list[int] = []  # of the replicas
        self._health_ports: dict[int, int] = {}
        self._gate: ProcessStartGate | None = None  # at which they wait for each other
        own = self._environment.command
        self._command = backend_argv(msgspec.structs.replace(means.source, command=own)) if own else means.argv
        self._children = BackendChildren(means, self._environment, self._folder, self._command)

    async def _place(self, exits: AsyncExitStack) -> StackNetwork:
        self._exits = exits
        self._servers = DependencyServers(
            self._means, self._environment, self._case.boot, self._folder, self._memory, exits
        )
        exits.push_async_callback(self._remove)
        for folder in (self._folder, self._memory):
            folder.mkdir(mode=0o711)
            folder.chmod(0o711)  # whatever the umask
        replicas = range(self._environment.platform.replicas)
        if len(replicas) > 1 and not self._case.boot.apart_s:
            self._gate = ProcessStartGate(len(replicas))
            exits.callback(self._gate.open)
        self._ports = [exits.enter_context(HeldPort()).number for _ in replicas]
        return StackNetwork(_HOST, _NETWORK, str(self._means.ca_file), _HOST)

    async def _remove(self) -> None:
        for folder in (self._folder, self._memory):
            await settled(lambda folder=folder: shutil.rmtree(folder, ignore_errors=True))  # type: ignore[misc]

    def _dependency(self, name: str, declared: Dependency, proxy: Proxy) -> ProcessDependency:
        password = asked_password(self._environment, name, self._secrets)
        made = self._dependencies[name] = ProcessDependency(name, declared.kind, proxy, password)
        return made

    def _stack(self, given: Given) -> tuple[ProcessStack, ProcessPrograms]:
        spaces = self._memory / "spaces"
        made_for(spaces, self._means.programs.user)
        replicas: list[ProcessReplica] = []
        self._booted = ProcessStack(
            given=given,
            replicas=replicas,
            dependencies=self._dependencies,
            reads=ProcessLogs(replicas, self._dependencies),
            ground=ProcessGround(str(spaces), self._environment, self._dependencies, self._agent, self._command),
        )
        change = self._case.boot.release
        programs = ProcessPrograms(self._children, previous=bool(change))
        if change:
            jobs = partial(self._jobs_again, replace(programs, previous=False))
            self._booted.releases = Releases(change, self._new_replica, jobs, self._exits).change
        return self._booted, programs

    def _new_replica(self, index: int, name: str, previous: bool) -> tuple[Child, HealthProbe]:  # noqa: FBT001
        """What runs as a replica, of either release, at the ports that are its own (`MakeReplica`)."""
        port, health_port = self._ports[index], self._health_ports[index]
        values = {setting.name: setting.value for setting in self._booted.given.resolved}
        own = {**values, **_values(self._booted, {"platform.port": str(port)})}
        command = filled(self._command, {PORT: port, HEALTH_PORT: health_port})
        probe = HealthProbe(self._backend, f"http://{_HOST}:{health_port}", lambda: _listens(port))
        return self._children.child(name, command, own, previous=previous), probe

    async def _jobs_again(self, programs: ProcessPrograms) -> None:
        """The jobs of this release, on the data that the previous one has left."""
        if self._environment.jobs:
            values = {setting.name: setting.value for setting in self._booted.given.resolved}
            await self._further.run_jobs(self._booted, programs, self._exits, values)

    async def _start_server(self, name: str, declared: Dependency) -> None:
        await self._servers.start(self._dependencies[name], declared)

    async def _replica(self, exits: AsyncExitStack, values: Mapping[str, str], index: int) -> None:
        port = self._ports[index]
        apart = self._backend.health.port is not None
        health_port = exits.enter_context(HeldPort()).number if apart else port
        self._health_ports[index] = health_port
        own = {**values, **_values(self._booted, {"platform.port": str(port)})}
        command = filled(self._command, {PORT: port, HEALTH_PORT: health_port})
        clock = self._clock(self._folder / f"r{index}.clock", index)
        own |= {} if clock is None else clock_variables(str(faketime_library()), str(clock))
        child = self._children.child(f"r{index}", command, own, previous=bool(self._case.boot.release))
        probe = HealthProbe(self._backend, f"http://{_HOST}:{health_port}", lambda: _listens(port))
        replica = ProcessReplica(index, probe, child, port)
        replica.clock, replica.clock_s = clock, self._case.boot.clock_of(index) or 0.0
        exits.push_async_callback(replica.close)
        exits.push_async_callback(child.stop, signal.SIGKILL, _KILL_S)
        if self._gate is None:
            child.start()
        else:
            with self._gate.open_without():
                child.start(self._gate)
                await self._gate.passed()
        bisect.insort(self._booted.replicas, replica, key=lambda each_replica: each_replica.index)
        if self._environment.ingress.kind == "none" and index == 0:
            self._booted.endpoint = direct_endpoint(port, self._environment.ingress)

    async def _front(self, exits: AsyncExitStack) -> None:
        """In front of ports that are held: a replica that is not there yet is refused, as in containers."""
        ingress = self._environment.ingress
        if ingress.kind == "none":
            return
        issued = self._authority.issue([ingress.host]) if ingress.tls else None
        folder = self._memory / "ingress"
        made_for(folder, self._means.programs.user)
        plan = IngressPlan(ingress, issued, _HOST, watched=watched_headers(self._backend))
        upstreams = [(_HOST, port) for port in self._ports]
        opening = open_ingress(plan, upstreams, folder, variables={MARK: self._means.run_id})
        running = await exits.enter_async_context(opening)
        if running.pid is not None:
            self._means.guard.process(running.pid, signal.SIGTERM)
            exits.callback(self._means.guard.gone, running.pid)
        if running.log is not None:
            self._means.guard.log(running.log)
            self._booted.logs.servers["ingress"] = FileLog(running.log)
        tls = self._authority.client_context() if ingress.tls else None
        self._booted.endpoint = await ingress_endpoint(exits, ingress, running.address, tls)

    def _agent(self, argv: Sequence[str], variables: Mapping[str, str]) -> Child:
        """Start the warm agent as a replica is started."""
        child = self._children.child("warm", argv, variables)
        child.start()
        return child


def _values(stack: ProcessStack, moved: Mapping[str, str]) -> dict[str, str]:
    """The settings as values, with these sources."""
    given = stack.given.resolve(stack.case.boot, moved)
    return {setting.name: setting.value.replace(CA_PATH, stack.given.place.ca_path) for setting in given}


async def _listens(port: int) -> bool:
    """Whether somebody listens on that port of this machine."""
    known = listens(port)
    return await accepts((_HOST, port)) if known is None else known
