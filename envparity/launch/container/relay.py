"""A relay in a boot's network: what comes to the backend through it comes from an address of its own.

Clients on the host all have the address of the network's gateway, whichever of their own they bind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from docker.models.containers import Container

from envparity.dependency.kind import ServerPlan
from envparity.errors import DeadlineExceeded
from envparity.launch.client_addresses import Way
from envparity.launch.container.ports import published_port
from envparity.launch.container.replica_port import port_listens
from envparity.support.stalls import Deadline

__all__ = ["IMAGE", "relay_to"]

IMAGE: Final = "relay"
_PORT = 7000
_MEMORY_MIB = 64
_LISTENS_S = 15.0
_EVERY_S = 0.02


async def relay_to(
    start: Callable[[str, ServerPlan], Awaitable[Container]], name: str, upstream: tuple[str, int]
) -> Way:
    """Start a relay of that name to `upstream`, as the network knows it; gives the way of a client through it.

    Raises `DeadlineExceeded` where it does not listen in time.
    """
    host, port = upstream
    command = (f"TCP-LISTEN:{_PORT},fork,reuseaddr,nodelay,backlog=128", f"TCP:{host}:{port},nodelay")
    container = await start(name, ServerPlan(IMAGE, _PORT, {}, memory_mib=_MEMORY_MIB, command=command))
    deadline = Deadline(_LISTENS_S)
    while not await port_listens(container, _PORT):
        if deadline.passed:
            raise DeadlineExceeded(f"{name} to listen", _LISTENS_S)
        await asyncio.sleep(_EVERY_S)
    networks = container.attrs["NetworkSettings"]["Networks"].values()
    seen = next((str(network["IPAddress"]) for network in networks), "")
    return Way(("127.0.0.1", published_port(container, _PORT)), seen=seen)
