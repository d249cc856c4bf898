"""Booting one case in containers, from network to ingress."""

from __future__ import annotations

import bisect
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from envparity.dependency.kind import CA_PATH, KINDS, ServerPlan, image_name, kind_of
from envparity.launch.cleanup.labels import labels_for
from envparity.launch.client_addresses import ClientAddresses
from envparity.launch.container.backend_command import BackendCommand, KnownArgvs
from envparity.launch.container.engine import Engine
from envparity.launch.container.environment_files import EnvironmentFiles
from envparity.launch.container.front import ContainerFront
from envparity.launch.container.logs import ContainerLogs
from envparity.launch.container.parts import ContainerDependency, ContainerReplica
from envparity.launch.container.ports import published_port_or_none
from envparity.launch.container.replica_port import replica_probe
from envparity.launch.container.replicas import BackendContainers
from envparity.launch.container.servers import (
    TLS_FOLDER,
    tls_files,
)
from envparity.launch.container.stack import ContainerStack
from envparity.launch.container.starting import ContainerStarter
from envparity.launch.container.warm_ground import ContainerGround
from envparity.launch.local.given import Given, StackNetwork
from envparity.launch.local.offers import asked_password, password_of
from envparity.launch.local.parts import direct_endpoint
from envparity.launch.placing import needs
from envparity.launch.port import Waiting
from envparity.launch.proxy import Proxy
from envparity.launch.stack_builder import RunResources, StackBuilder
from envparity.model.case import Boot
from envparity.model.environment import Dependency, Environment, ImageSource

__all__ = ["ContainerResources", "ContainerStackBuilder"]

_MIB = 1024 * 1024
_REACHABLE_S = 15.0
_EVER = 1.0  # a moment before all that the engine has kept
_EVERY_S = 0.02
_MEMORY = "/dev/shm"  # noqa: S108  of the server's container


@dataclass(frozen=True)
class ContainerResources(RunResources):
    """What lasts a run, and its engine and images; `own_images` are those of environments that say which is theirs.

    `owner` is whose everything is, as labels say it.
    """

    engine: Engine
    images: Mapping[str, str]
    owner: str
    own_images: Mapping[ImageSource, str] = field(default_factory=dict)
    argvs: KnownArgvs = field(default_factory=dict)


class ContainerStackBuilder(StackBuilder):
    """The boot of one case, from network to ingress. `number` tells it from any other boot of the run."""

    def __init__(
        self, means: ContainerResources, environment: Environment, boot: Boot, waiting: Waiting, number: int
    ) -> None:
        super().__init__(means, environment, boot, waiting)
        self._means, self._engine = means, means.engine
        labels = labels_for(means.run_id, self._case.id, means.owner, number)
        name = f"envparity-{means.run_id}-{number}-{self._case.id}"
        source = self._environment.image
        image = means.images["backend"] if source is None else means.own_images[source]
        self._files = EnvironmentFiles(self._environment, means.ca_file.parent)
        images = {**means.images, "backend": image}
        self._starter = ContainerStarter(means.engine, name, labels, images, means.ca_file, self._files.places)
        self._command = BackendCommand(means.engine, self._backend, self._environment, image, labels, means.argvs)
        self._dependencies: dict[str, ContainerDependency] = {}
        self._front_door: ContainerFront  # of the boot under way, as are its containers and its stack
        self._containers: BackendContainers
        self._booted: ContainerStack

    async def _place(self, exits: AsyncExitStack) -> StackNetwork:  # the network goes with the case's label
        self._front_door = ContainerFront(self._starter, self._backend, self._environment, self._authority, exits)
        self._waiting("a network")
        await self._engine.call("a network", self._make_network)
        address = await self._engine.call("the network's address", self._address)
        gateway = address.get("Gateway") or address["Subnet"].split("/")[0].rsplit(".", 1)[0] + ".1"
        return StackNetwork(gateway, address["Subnet"], CA_PATH)

    def _address(self) -> Mapping[str, str]:
        address: Mapping[str, str] = self._engine.client.api.inspect_network(self._starter.network)["IPAM"]["Config"][0]
        return address

    def _make_network(self) -> None:
        starter = self._starter
        self._engine.client.networks.create(starter.network, driver="bridge", labels=starter.labels)

    def _dependency(self, name: str, declared: Dependency, proxy: Proxy) -> ContainerDependency:
        port, password = planned(declared, "").port, asked_password(self._environment, name, self._secrets)
        made = self._dependencies[name] = ContainerDependency(name, declared.kind, proxy, password, None, port)
        return made

    def _stack(self, given: Given) -> tuple[ContainerStack, BackendContainers]:
        self._containers = BackendContainers(
            starter=self._starter,
            command=self._command,
            files=self._files,
            given=given.resolved,
            gateway=given.place.proxy_host,
            folder=self._means.ca_file.parent,
            gated=1 if self._case.boot.apart_s else self._environment.platform.replicas,
        )
        replicas: list[ContainerReplica] = []
        beside = self._containers.beside
        self._booted = ContainerStack(
            given=given,
            replicas=replicas,
            dependencies=self._dependencies,
            reads=ContainerLogs(self._engine, replicas, self._dependencies),
            ground=ContainerGround(_MEMORY, given, self._engine, replicas, self._dependencies, beside),
            engine=self._engine,
            clients=ClientAddresses(self._front_door.way),
        )
        return self._booted, self._containers

    async def _start_server(self, name: str, declared: Dependency) -> None:
        dependency = self._dependencies[name]
        own = [dependency.name, *declared.hosts, declared.kind, "localhost", "127.0.0.1"]
        issued = self._authority.issue_for(name, own, self._case.boot)
        plan = planned(declared, password_of(self._environment, name, self._secrets))
        if declared.tls != "off":
            files = {**plan.files, **tls_files(issued, self._authority.certificate_pem)}
            plan = replace(plan, files=files, volumes=(*plan.volumes, TLS_FOLDER))
        dependency.began = time.time()
        others = needs(self._environment, dependency.name)
        hosts = {"extra_hosts": dict.fromkeys(others, self._booted.given.place.proxy_host)} if others else {}
        dependency.container = await self._starter.start(dependency.name, plan, limits=hosts, aliases=declared.hosts)

    async def _replica(self, exits: AsyncExitStack, values: Mapping[str, str], index: int) -> None:
        clock = self._clock(self._means.ca_file.parent / f"clock-{self._starter.network}-{index}", index)
        if clock is not None:
            exits.callback(clock.unlink, missing_ok=True)
        container = await self._containers.replica(exits, values, index, clock)
        inner_port, health_port = self._environment.platform.port, self._backend.health.port
        port = published_port_or_none(container, inner_port)
        asked = port if health_port is None else published_port_or_none(container, health_port)
        probe = replica_probe(self._backend, container, asked, inner_port)
        replica = ContainerReplica(index, probe, container, inner_port)
        replica.clock, replica.clock_s = clock, self._case.boot.clock_of(index) or 0.0
        exits.push_async_callback(replica.close)
        bisect.insort(self._booted.replicas, replica, key=lambda each_replica: each_replica.index)
        if self._environment.ingress.kind == "none" and index == 0:
            self._booted.endpoint = direct_endpoint(port, self._environment.ingress)

    async def _front(self, exits: AsyncExitStack) -> None:  # noqa: ARG002  what ends with it is told where it is placed
        await self._front_door.open(self._booted)


def planned(declared: Dependency, password: str) -> ServerPlan:
    """The container of that dependency, as its kind wants it. Raises `DoorFailed`."""
    kind = kind_of(declared)
    with KINDS.guarding(kind):
        return replace(kind.container(declared, password), image=image_name(declared))
