"""All of a stack at once: stopped together, and started together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from envparity.launch.local.parts import BootedDependency, BootedReplica
from envparity.launch.starting_line import StartingLine
from envparity.support.together import together

__all__ = ["Restarts", "restart_all"]


class Restarts(Protocol):
    """What stops and starts each part of a stack."""

    async def stop_replica(self, index: int) -> None: ...
    async def start_replica(self, index: int) -> None: ...
    async def restart_dependency(self, name: str) -> None: ...


async def restart_all(
    stack: Restarts,
    replicas: Sequence[BootedReplica],
    dependencies_by_name: Mapping[str, BootedDependency],
    *,
    dependencies: bool,
) -> None:
    """Stop everything at once; then start all replicas, which meet at what they need as they did the first time."""
    reached = {
        name: value for name, value in dependencies_by_name.items() if value.there and value.proxy.upstream is not None
    }
    stopped = [stack.stop_replica(replica.index) for replica in replicas]
    await together(*stopped, *(stack.restart_dependency(name) for name in reached if dependencies))
    for dependency in reached.values() if len(replicas) > 1 else ():
        dependency.proxy.hold_at(StartingLine(len(replicas)))
    await together(*(stack.start_replica(replica.index) for replica in replicas))
