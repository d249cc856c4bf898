"""The logs of a stack of containers, as the engine keeps them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docker.models.containers import Container

from envparity.launch.container.engine import Engine
from envparity.launch.container.log import LogPart, read_log
from envparity.launch.container.parts import ContainerDependency, ContainerReplica
from envparity.launch.server_log import LOG_LINES

__all__ = ["ContainerLogs"]


@dataclass(frozen=True)
class ContainerLogs:
    """Reads them (`ReadsLogs`). Positions are seconds of the clock that the engine gives every line its time by."""

    engine: Engine
    replicas: Sequence[ContainerReplica]
    dependencies: Mapping[str, ContainerDependency]

    async def replica(self, index: int) -> str:
        return await self._of_replica(index, LogPart())

    async def position(self, index: int) -> float:  # noqa: ARG002  all have the engine's clock, which is this machine's
        return time.time()

    async def between(self, index: int, begin: float, end: float | None) -> str:
        return await self._of_replica(index, LogPart(since=begin, until=end))

    async def dependency(self, name: str) -> str:
        container = self.dependencies[name].container
        return "" if container is None else await self._read(container, f"{name}'s log", LogPart(tail=LOG_LINES))

    async def _of_replica(self, index: int, part: LogPart) -> str:
        return await self._read(self.replicas[index].container, "the backend's log", part)

    async def _read(self, container: Container, what: str, part: LogPart) -> str:
        return await self.engine.call(what, lambda: read_log(container, part))
