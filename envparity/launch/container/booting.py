"""Booting one case in containers, from network to ingress."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from docker.models.containers import Container
from docker.types import EndpointConfig, Mount
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from envparity.case import Case
from envparity.environment import Dependency
from envparity.launch.booted import BootedStack, direct_endpoint
from envparity.launch.booting import Booting, Lasting, Place
from envparity.launch.container.engine import Engine
from envparity.launch.container.labels import labels_for
from envparity.launch.container.ports import published_port, published_port_or_none
from envparity.launch.container.servers import (
    CA_PATH,
    INGRESS_PORT,
    ServerPlan,
    plan_dependency,
    plan_ingress,
    replica_name,
    replica_names,
)
from envparity.launch.container.stack import ContainerStack, RunningDependency, RunningReplica
from envparity.launch.health import HealthProbe
from envparity.launch.port import Endpoint, Waiting
from envparity.launch.proxy import Proxy

__all__ = ["ContainerBooting", "Means"]

_MIB = 1024 * 1024
_MEMORY = "/dev/shm"  # noqa: S108  of the server's container


@dataclass(frozen=True)
class Means(Lasting):
    """What lasts a run, and its engine and images."""

    engine: Engine
    images: Mapping[str, str]


class ContainerBooting(Booting[RunningReplica, RunningDependency]):
    """The boot of one case, from network to ingress."""

    def __init__(self, means: Means, case: Case, waiting: Waiting) -> None:
        super().__init__(means, case, waiting)
        self._means, self._engine = means, means.engine
        self._labels = labels_for(means.run_id, case.id)
        self._prefix = f"envparity-{means.run_id}-{case.id}"
        self._network = Network(docker_network_kw={"driver": "bridge", "labels": self._labels})
        self._network.name = self._prefix

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
        port = plan_dependency(declared, "", self._authority.issue(["none"]), b"").port
        return RunningDependency(name, declared.kind, proxy, None, port)

    def _stack(self, common: Mapping[str, Any], place: Place) -> ContainerStack:
        return ContainerStack(
            **common,
            memory_folder=_MEMORY,
            engine=self._engine,
            start_beside=lambda name, plan, options: self._beside(place.proxy_host, name, plan, options),
        )

    async def _start_server(
        self,
        stack: BootedStack[RunningReplica, RunningDependency],  # noqa: ARG002
        dependency: RunningDependency,
    ) -> None:
        declared = self._environment.dependencies[dependency.name]
        issued = self._authority.issue([dependency.name, declared.kind, "localhost", "127.0.0.1"])
        plan = plan_dependency(declared, self._password(dependency.name), issued, self._authority.certificate_pem)
        dependency.container = await self._start(dependency.name, plan)

    async def _replica(
        self,
        stack: BootedStack[RunningReplica, RunningDependency],
        exits: AsyncExitStack,
        values: Mapping[str, str],
        index: int,
    ) -> None:
        platform = self._environment.platform
        plan = ServerPlan("backend", platform.port, values, tmpfs=self._writable)
        name, limits = replica_name(index), self._limits(stack.proxy_host)
        container = await self._start(name, plan, command=self._backend.command, limits=limits)
        port = published_port_or_none(container, platform.port)
        probe = HealthProbe(self._backend, f"http://127.0.0.1:{port}")
        replica = RunningReplica(index, probe, container, platform.port)
        exits.push_async_callback(replica.close)
        stack.replicas.append(replica)
        if self._environment.ingress.kind == "none" and index == 0:
            stack.endpoint = direct_endpoint(port)

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
        exits: AsyncExitStack,  # noqa: ARG002  the container goes with the case's label
    ) -> None:
        """The ingress, where the environment has one; its endpoint becomes the stack's."""
        ingress = self._environment.ingress
        if ingress.kind == "none":
            return
        upstreams = tuple(f"{name}:{self._environment.platform.port}" for name in replica_names(self._environment))
        issued = self._authority.issue([ingress.host])
        plan = plan_ingress(ingress, upstreams, issued, self._authority.certificate_pem)
        container = await self._start("ingress", plan)
        address = ("127.0.0.1", published_port(container, plan.port))
        tls = self._authority.client_context() if plan.port == INGRESS_PORT else None
        stack.endpoint = Endpoint(address, ingress.host, tls)

    async def _start(
        self,
        name: str,
        plan: ServerPlan,
        command: tuple[str, ...] = (),
        limits: Mapping[str, Any] | None = None,
    ) -> Container:
        """Start one container under this run's labels, its port published on the loopback interface only."""

        def start() -> Container:
            container = DockerContainer(self._means.images[plan.image], env=dict(plan.variables))
            container.with_name(f"{self._prefix}-{name}")
            for port in (plan.port, *plan.more_ports):
                container.ports[f"{port}/tcp"] = ("127.0.0.1", None)  # type: ignore[assignment]
            endpoint = EndpointConfig(version="1.40", aliases=[name])
            options: dict[str, Any] = {"network": self._prefix, "networking_config": {self._prefix: endpoint}}
            options["shm_size"] = plan.memory_folder_mib * _MIB
            if plan.volumes:
                options["mounts"] = [Mount(folder, None, type="volume") for folder in plan.volumes]
            container.with_kwargs(labels=self._labels, **options, **(limits or {}))
            if command:
                container.with_command(list(command))
            for path, (content, mode) in plan.files.items():
                container.with_copy_into_container(content, path, mode)
            if plan.image == "backend":
                container.with_volume_mapping(self._means.ca_file, CA_PATH, "ro")
            for folder in plan.tmpfs:
                container.with_tmpfs_mount(folder, "size=64m,mode=1777")
            wrapped = container.start().get_wrapped_container()
            wrapped.reload()
            return wrapped

        return await self._engine.call(f"{name} to start", start)
