"""Booting one case in containers, from network to ingress."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docker.models.containers import Container
from docker.types import EndpointConfig, Mount
from testcontainers.core.network import Network

from envparity.dependency.kind import CA_PATH, KINDS, ServerPlan, image_name, kind_of
from envparity.errors import DeadlineExceeded
from envparity.launch.arrived import watched_headers
from envparity.launch.booted import BootedStack, direct_endpoint
from envparity.launch.booting import Booting, Lasting, Place
from envparity.launch.container.confinement import ConfinedContainer, confinement
from envparity.launch.container.engine import Engine
from envparity.launch.container.labels import labels_for
from envparity.launch.container.ports import published_port, published_port_or_none
from envparity.launch.container.replica_port import replica_probe
from envparity.launch.container.servers import (
    INGRESS_PORT,
    TLS_FOLDER,
    plan_ingress,
    replica_name,
    replica_names,
    tls_files,
)
from envparity.launch.container.stack import ContainerLog, ContainerStack, RunningDependency, RunningReplica
from envparity.launch.container.start_gate import StartGate, can_be_exported, image_argv
from envparity.launch.listening import serves_http
from envparity.launch.placing import needs
from envparity.launch.port import Endpoint, Waiting
from envparity.launch.proxy import Proxy
from envparity.model.case import Case
from envparity.model.commands import HEALTH_PORT, PORT, filled
from envparity.model.environment import Dependency, ImageSource, Job
from envparity.support.stalls import Deadline

__all__ = ["ContainerBooting", "Means"]

_MIB = 1024 * 1024
_REACHABLE_S = 15.0
_EVER = 1.0  # a moment before all that the engine has kept
_EVERY_S = 0.02
_MEMORY = "/dev/shm"  # noqa: S108  of the server's container


@dataclass(frozen=True)
class Means(Lasting):
    """What lasts a run, and its engine and images; `own_images` are those of environments that say which is theirs.

    `owner` is whose everything is, as labels say it.
    """

    engine: Engine
    images: Mapping[str, str]
    owner: str
    own_images: Mapping[ImageSource, str] = field(default_factory=dict)
    argvs: dict[tuple[str, tuple[str, ...]], list[str] | None] = field(default_factory=dict)  # see `image_argv`


class ContainerBooting(Booting[RunningReplica, RunningDependency]):
    """The boot of one case, from network to ingress. `number` tells it from any other boot of the run."""

    def __init__(self, means: Means, case: Case, waiting: Waiting, number: int) -> None:
        super().__init__(means, case, waiting)
        self._means, self._engine = means, means.engine
        self._labels = labels_for(means.run_id, case.id, means.owner, number)
        self._prefix = f"envparity-{means.run_id}-{number}-{case.id}"
        self._network = Network(docker_network_kw={"driver": "bridge", "labels": self._labels})
        self._network.name = self._prefix
        self._files: dict[str, Path] = {}  # of this machine, by the path at which the backend finds each
        self._gate_lock = asyncio.Lock()
        self._gates: list[StartGate | None] = []  # the one of this boot, once it is known whether there can be one

    async def _place(self, exits: AsyncExitStack) -> Place:  # noqa: ARG002  the network goes with the case's label
        self._waiting("a network")
        await self._engine.call("a network", self._network.create)
        attributes = await self._engine.call("the network's address", self._attributes)
        address = attributes["IPAM"]["Config"][0]
        gateway = address.get("Gateway") or address["Subnet"].split("/")[0].rsplit(".", 1)[0] + ".1"
        return Place(gateway, address["Subnet"], CA_PATH)

    def _attributes(self) -> dict[str, Any]:
        attributes: dict[str, Any] = self._engine.client.api.inspect_network(self._network.name)
        return attributes

    def _dependency(self, name: str, declared: Dependency, proxy: Proxy) -> RunningDependency:
        port = planned(declared, "").port
        return RunningDependency(name, declared.kind, proxy, self._asked_password(name), None, port)

    def _stack(self, common: Mapping[str, Any], place: Place) -> ContainerStack:
        return ContainerStack(
            **common,
            memory_folder=_MEMORY,
            engine=self._engine,
            start_beside=lambda name, plan, options: self._beside(place.proxy_host, name, plan, options),
        )

    async def _start_server(
        self,
        stack: BootedStack[RunningReplica, RunningDependency],
        dependency: RunningDependency,
    ) -> None:
        declared = self._declared(dependency.name)
        issued = self._authority.issue([dependency.name, declared.kind, "localhost", "127.0.0.1"])
        plan = planned(declared, self._password(dependency.name))
        if declared.tls != "off":
            files = {**plan.files, **tls_files(issued, self._authority.certificate_pem)}
            plan = replace(plan, files=files, volumes=(*plan.volumes, TLS_FOLDER))
        dependency.began = time.time()
        others = needs(self._environment, dependency.name)
        hosts = {"extra_hosts": dict.fromkeys(others, stack.proxy_host)} if others else {}
        dependency.container = await self._start(dependency.name, plan, limits=hosts)

    async def _replica(
        self,
        stack: BootedStack[RunningReplica, RunningDependency],
        exits: AsyncExitStack,
        values: Mapping[str, str],
        index: int,
    ) -> None:
        self._written(exits, values)
        platform = self._environment.platform
        name, limits, command = replica_name(index), self._limits(stack.proxy_host), self._command
        secrets = {one.name: values[one.name] for one in self._given if one.secret and can_be_exported(one.name)}
        gate = await self._gate(exits, secrets)
        if gate is not None:
            limits, command = limits | gate.options(), gate.command(index)
            values = {given: value for given, value in values.items() if given not in secrets}
        health_port = self._backend.health.port
        more = () if health_port is None else (health_port,)
        plan = ServerPlan("backend", platform.port, values, tmpfs=self._writable, more_ports=more)
        container = await self._start(name, plan, command=command, limits=limits)
        if gate is not None:
            await gate.passed(index, container)
            await self._engine.call(f"{name}'s port", container.reload)
        port = published_port_or_none(container, platform.port)
        asked = port if health_port is None else published_port_or_none(container, health_port)
        probe = replica_probe(self._backend, container, asked, platform.port)
        replica = RunningReplica(index, probe, container, platform.port)
        exits.push_async_callback(replica.close)
        stack.replicas.append(replica)
        if self._environment.ingress.kind == "none" and index == 0:
            stack.endpoint = direct_endpoint(port, self._environment.ingress)

    async def _job(
        self,
        stack: BootedStack[RunningReplica, RunningDependency],
        exits: AsyncExitStack,
        values: Mapping[str, str],
        name: str,
        job: Job,
    ) -> tuple[int | None, str]:
        self._written(exits, values)
        limits, command = self._limits(stack.proxy_host), job.command
        secrets = {one.name: values[one.name] for one in self._given if one.secret and can_be_exported(one.name)}
        argv = await self._argv_of(job.command)
        if secrets and argv:
            gate = StartGate(self._engine, self._means.ca_file.parent, 1, argv, secrets)
            exits.callback(gate.remove)
            limits, command = limits | gate.options(), gate.command(0)
            values = {given: value for given, value in values.items() if given not in secrets}
        plan = ServerPlan("backend", self._environment.platform.port, values, tmpfs=self._writable)
        container = await self._start(f"job-{name}", plan, command=command, limits=limits)
        deadline = Deadline(job.timeout_s)
        while container.status in {"created", "running"} and not deadline.passed:
            await asyncio.sleep(_EVERY_S)
            await self._engine.call(f"job {name}", container.reload)
        ended = container.status not in {"created", "running"}
        code = int(container.attrs["State"]["ExitCode"]) if ended else None
        if code is None:
            await self._engine.call(f"job {name} to be killed", container.kill)
        return code, await ContainerLog(self._engine, container, f"job {name}").since(_EVER)

    def _written(self, exits: AsyncExitStack, values: Mapping[str, str]) -> None:
        """Write the environment's files, filled with these settings, for all containers of the backend; once a boot."""
        if self._files or not self._environment.files:
            return
        folder = Path(tempfile.mkdtemp(prefix="files-", dir=self._means.ca_file.parent))
        exits.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # for the backend's user; nobody else enters the folder around it
        for number, (path, template) in enumerate(self._environment.files.items()):
            place = folder / str(number)
            place.write_text(template.filled(values), encoding="utf-8", errors="surrogateescape")
            place.chmod(0o644)
            self._files[path] = place

    async def _gate(self, exits: AsyncExitStack, secrets: Mapping[str, str]) -> StartGate | None:
        """Where the replicas wait for each other and are given secrets; None where there is neither, or no shell in the
        image to do it: then secrets are variables like all others.
        """
        count = self._environment.platform.replicas
        if count == 1 and not secrets:
            return None
        async with self._gate_lock:
            if not self._gates:
                argv = await self._argv()
                folder = self._means.ca_file.parent
                gate = StartGate(self._engine, folder, count, argv, secrets) if argv else None
                if gate is not None:
                    exits.callback(gate.remove)
                self._gates.append(gate)
        return self._gates[0]

    async def _argv(self) -> list[str] | None:
        """What a replica runs."""
        return await self._argv_of(self._command)

    async def _argv_of(self, command: tuple[str, ...]) -> list[str] | None:
        """What a container of the backend's image runs with that command, asked for once a run."""
        image, known = self._image, self._means.argvs
        if (image, command) not in known:
            asked = "the backend's image"
            known[image, command] = await self._engine.call(
                asked, lambda: image_argv(self._engine, image, command, self._labels)
            )
        return known[image, command]

    @property
    def _command(self) -> tuple[str, ...]:
        """The command in place of the image's own; none where there is none."""
        command, port = self._environment.command or self._backend.command, self._environment.platform.port
        return filled(command, {PORT: port, HEALTH_PORT: self._backend.health.port or port})

    @property
    def _image(self) -> str:
        """The reference of the backend's image here."""
        source = self._environment.image
        return self._means.images["backend"] if source is None else self._means.own_images[source]

    async def _beside(self, gateway: str, name: str, plan: ServerPlan, options: Mapping[str, Any]) -> Container:
        """One more container, under the platform's limits but for `options`."""
        plan = replace(plan, tmpfs=self._writable)
        return await self._start(name, plan, limits={**self._limits(gateway), **options})

    @property
    def _writable(self) -> tuple[str, ...]:
        """The folders that the platform keeps writable although the root is not."""
        platform = self._environment.platform
        return platform.writable if platform.read_only_root else ()

    def _limits(self, gateway: str) -> dict[str, Any]:
        """What the platform allows a replica, in the engine's words, and where it finds its dependencies."""
        platform = self._environment.platform
        limits: dict[str, Any] = {"extra_hosts": dict.fromkeys(self._environment.dependencies, gateway)}
        if platform.cpus is not None:
            limits["nano_cpus"] = int(platform.cpus * 1e9)
        if platform.memory_mib is not None:
            limits |= {"mem_limit": platform.memory_mib * _MIB, "memswap_limit": platform.memory_mib * _MIB}
        if platform.user is not None:
            limits["user"] = str(platform.user)
        if platform.read_only_root:
            limits["read_only"] = True
        return limits

    async def _front(
        self,
        stack: BootedStack[RunningReplica, RunningDependency],
        exits: AsyncExitStack,
    ) -> None:
        """The ingress, where the environment has one; its endpoint becomes the stack's."""
        ingress = self._environment.ingress
        if ingress.kind == "none":
            return
        upstreams = tuple(f"{name}:{self._environment.platform.port}" for name in replica_names(self._environment))
        issued = self._authority.issue([ingress.host])
        plan = plan_ingress(ingress, upstreams, issued, self._authority.certificate_pem, watched_headers(self._backend))
        container = await self._start("ingress", plan)
        address = ("127.0.0.1", published_port(container, plan.port))
        tls = self._authority.client_context() if plan.port == INGRESS_PORT else None
        stack.server_logs["ingress"] = ContainerLog(self._engine, container, "the ingress")
        stack.endpoint = await self._ingress_endpoint(exits, address, tls)
        await self._until_reachable(stack.endpoint, container)

    async def _until_reachable(self, endpoint: Endpoint, ingress: Container) -> None:
        """Wait until clients can come in: the engine accepts for a container whose server does not listen yet."""
        deadline = Deadline(_REACHABLE_S)
        while not await serves_http(endpoint.address, endpoint.tls, endpoint.server_name):
            await self._engine.call("the ingress's state", ingress.reload)
            if deadline.passed or ingress.status != "running":
                log = await self._engine.call("the ingress's log", lambda: bytes(ingress.logs(tail=10)))
                raise DeadlineExceeded("the ingress to listen", _REACHABLE_S, log.decode(errors="replace"))
            await asyncio.sleep(_EVERY_S)

    async def _start(
        self,
        name: str,
        plan: ServerPlan,
        command: tuple[str, ...] = (),
        limits: Mapping[str, Any] | None = None,
    ) -> Container:
        """Start one container under this run's labels, its port published on the loopback interface only."""

        def start() -> Container:
            image = self._image if plan.image == "backend" else self._means.images[plan.image]
            container = ConfinedContainer(image, env=dict(plan.variables))
            container.with_name(f"{self._prefix}-{name}")
            for port in (plan.port, *plan.more_ports):
                container.ports[f"{port}/tcp"] = ("127.0.0.1", None)  # type: ignore[assignment]
            endpoint = EndpointConfig(version="1.40", aliases=[name])
            options: dict[str, Any] = {"network": self._prefix, "networking_config": {self._prefix: endpoint}}
            options["shm_size"] = plan.memory_folder_mib * _MIB
            if plan.entrypoint:
                options["entrypoint"] = list(plan.entrypoint)
            if plan.volumes:
                options["mounts"] = [Mount(folder, None, type="volume") for folder in plan.volumes]
            container.with_kwargs(labels=self._labels, **options, **confinement(plan), **(limits or {}))
            if command or plan.command:
                container.with_command(list(command or plan.command))
            for path, (content, mode) in plan.files.items():
                container.with_copy_into_container(content, path, mode)
            if plan.image == "backend" or plan.trusts:
                container.with_volume_mapping(self._means.ca_file, CA_PATH, "ro")
                for path, place in self._files.items():
                    container.with_volume_mapping(place, path, "ro")
            for folder in plan.tmpfs:
                container.with_tmpfs_mount(folder, "size=64m,mode=1777")
            wrapped = container.start().get_wrapped_container()
            wrapped.reload()
            return wrapped

        return await self._engine.call(f"{name} to start", start)


def planned(declared: Dependency, password: str) -> ServerPlan:
    """The container of that dependency, as its kind wants it. Raises `DoorFailed`."""
    kind = kind_of(declared)
    with KINDS.guarding(kind):
        return replace(kind.container(declared, password), image=image_name(declared))
