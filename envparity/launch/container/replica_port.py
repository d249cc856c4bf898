"""Whether the port of a container's own listens: the published one accepts whatever is behind it, or is not."""

from __future__ import annotations

import asyncio

from docker.models.containers import Container

from envparity.launch.health import HealthProbe
from envparity.launch.listening import accepts, listens, network_of
from envparity.model.backend import Backend

__all__ = ["port_listens", "replica_probe"]


def replica_probe(backend: Backend, container: Container, published: int, inner: int) -> HealthProbe:
    """A probe of the replica in that container, whose port is `inner`, asked at `published` of 127.0.0.1.

    The container's attributes must be those that it has since it was started.
    """
    return HealthProbe(backend, f"http://127.0.0.1:{published}", lambda: port_listens(container, inner))


async def port_listens(container: Container, inner: int) -> bool:
    """Whether somebody in that container listens on that port of its own; its attributes are as of its last start."""
    network = await asyncio.to_thread(network_of, int(container.attrs["State"]["Pid"]), str(container.id))
    known = None if network is None else await asyncio.to_thread(listens, inner, network)
    if known is not None:
        return known
    addresses = [attr["IPAddress"] for attr in container.attrs["NetworkSettings"]["Networks"].values()]
    return any([await accepts((address, inner)) for address in addresses if address])
