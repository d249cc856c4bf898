"""Where clients come in on this machine: an ingress, behind what cuts old connections where that is asked for."""

from __future__ import annotations

import ssl
from contextlib import AsyncExitStack

from envparity.launch.port import Endpoint
from envparity.launch.proxy import Proxy
from envparity.model.environment import Ingress

__all__ = ["behind_a_limit_of_age", "ingress_endpoint"]


async def ingress_endpoint(
    exits: AsyncExitStack, ingress: Ingress, address: tuple[str, int], tls: ssl.SSLContext | None
) -> Endpoint:
    """Where clients come to the ingress that listens there; behind what cuts old connections, where it is to."""
    address = await behind_a_limit_of_age(exits, ingress, address)
    return Endpoint(
        address,
        ingress.host,
        tls,
        hops="ingress",
        prefix=ingress.prefix,
        affinity=ingress.affinity,
        chooses_replica=ingress.affinity != "address" and ingress.config is None,
    )


async def behind_a_limit_of_age(exits: AsyncExitStack, ingress: Ingress, address: tuple[str, int]) -> tuple[str, int]:
    """Where clients come to who is there, behind what cuts old connections, where the ingress has a limit."""
    limit_s = ingress.max_lifetime_s
    if limit_s is None:
        return address
    cutting = Proxy(address[0], address, name="ingress", max_lifetime_s=limit_s, as_client=True)
    return address[0], (await exits.enter_async_context(cutting)).port
