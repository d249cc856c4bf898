"""The ingress of a boot in a container, and the ways of clients with addresses of their own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from docker.models.containers import Container

from envparity.errors import DeadlineExceeded
from envparity.launch.arrived import watched_headers
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.client_addresses import Way
from envparity.launch.container.engine import Engine
from envparity.launch.container.log import ContainerLog
from envparity.launch.container.looks import Looks
from envparity.launch.container.ports import published_port
from envparity.launch.container.relay import relay_to
from envparity.launch.container.servers import ingress_port, plan_ingress, replica_name, replica_names
from envparity.launch.container.stack import ContainerStack
from envparity.launch.container.starting import ContainerStarter
from envparity.launch.listening import serves_http
from envparity.launch.local.front import behind_a_limit_of_age, ingress_endpoint
from envparity.launch.port import Endpoint
from envparity.model.backend import Backend
from envparity.model.environment import Environment
from envparity.support.stalls import Deadline

__all__ = ["ContainerFront", "until_reachable"]

_REACHABLE_S = 15.0
_EVERY_S = 0.02


@dataclass(frozen=True)
class ContainerFront:
    """What clients come through. What it opens ends with `exits`."""

    starter: ContainerStarter
    backend: Backend
    environment: Environment
    authority: CertificateAuthority
    exits: AsyncExitStack

    async def open(self, stack: ContainerStack) -> None:
        """Start the ingress, where the environment has one; its endpoint becomes the stack's."""
        ingress = self.environment.ingress
        if ingress.kind == "none":
            return
        upstreams = tuple(f"{name}:{self.environment.platform.port}" for name in replica_names(self.environment))
        issued = self.authority.issue([ingress.host])
        watched = watched_headers(self.backend)
        plan = plan_ingress(ingress, upstreams, issued, self.authority.certificate_pem, watched)
        container = await self.starter.start("ingress", plan)
        address = ("127.0.0.1", published_port(container, plan.port))
        tls = self.authority.client_context() if ingress.tls else None
        stack.logs.servers["ingress"] = ContainerLog(self.starter.engine, container, "the ingress")
        stack.endpoint = await ingress_endpoint(self.exits, ingress, address, tls)
        await until_reachable(self.starter.engine, stack.endpoint, container)

    async def way(self, number: int) -> Way:
        """From a relay's address in the network, to the ingress or the replica."""
        ingress = self.environment.ingress
        replica = (replica_name(0), self.environment.platform.port)
        upstream = replica if ingress.kind == "none" else ("ingress", ingress_port(ingress))
        way = await relay_to(self.starter.start, f"client-{number}", upstream)
        return replace(way, address=await behind_a_limit_of_age(self.exits, ingress, way.address))


async def until_reachable(engine: Engine, endpoint: Endpoint, ingress: Container) -> None:
    """Wait until clients can come in: the engine accepts for a container whose server does not listen yet."""
    deadline, looks = Deadline(_REACHABLE_S), Looks()
    while not await serves_http(endpoint.address, endpoint.tls, endpoint.server_name):
        if looks.due:
            await engine.call("the ingress's state", ingress.reload)
        if deadline.passed or ingress.status != "running":
            log = await engine.call("the ingress's log", lambda: bytes(ingress.logs(tail=10)))
            raise DeadlineExceeded("the ingress to listen", _REACHABLE_S, log.decode(errors="replace"))
        await asyncio.sleep(_EVERY_S)
