"""An ingress in front of the replicas of a process launcher: nginx where it is installed, else one in Python."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from envparity.errors import LaunchError
from envparity.launch.process.ingress.nginx import find_nginx, nginx_ingress
from envparity.launch.process.ingress.plan import Address, IngressKind, IngressPlan, RunningIngress
from envparity.launch.process.ingress.python import python_ingress

__all__ = ["open_ingress"]

_NONE: Mapping[str, str] = MappingProxyType({})


@asynccontextmanager
async def open_ingress(
    plan: IngressPlan,
    upstreams: Sequence[Address],
    folder: Path,
    *,
    kind: IngressKind | None = None,
    user: int = 65534,
    variables: Mapping[str, str] = _NONE,
) -> AsyncIterator[RunningIngress]:
    """The plan's ingress in front of these replicas; on leaving nothing of it is left, and open connections are cut.

    `kind` None takes nginx where it is installed; `RunningIngress.kind` says which it is. Files are put into `folder`
    while it runs; started by root, nginx runs as `user`, who must be able to enter that folder. `variables` are
    added to its environment, to know it by. Raises `LaunchError` when nginx was asked for, or is configured by the
    team's own file, and is not installed or does not start, and `ValueError` when there is no replica.
    """
    if not upstreams:
        raise ValueError("an ingress needs at least one replica")
    binary = None if kind == "python" else find_nginx()
    if binary is not None:
        async with nginx_ingress(binary, plan, upstreams, folder, user=user, variables=variables) as running:
            yield running
    elif kind == "nginx" or plan.ingress.config is not None:
        raise LaunchError("nginx is not installed: neither PATH nor the system's folders have it")
    else:
        async with python_ingress(plan, upstreams, folder) as running:
            yield running
