"""What the replicas and servers of a stack of this machine have written, without its secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from envparity.launch.local.parts import BootedDependency, BootedReplica, is_request
from envparity.launch.port import LogMark
from envparity.launch.server_log import ServerLog
from envparity.support.redaction import Redaction
from envparity.support.redaction.told import lines_with_credentials

__all__ = ["ReadsLogs", "StackLogs"]


class ReadsLogs(Protocol):
    """How a launcher reads what was written, as `log_text` keeps it; the secrets are still in it."""

    async def replica(self, index: int) -> str:
        """All that is kept of what that replica has written."""
        ...

    async def position(self, index: int) -> float:
        """How far its log has come: a number that only `between` understands."""
        ...

    async def between(self, index: int, begin: float, end: float | None) -> str:
        """What it has written between two positions, or until now."""
        ...

    async def dependency(self, name: str) -> str:
        """The end of what that server has written; "" where the boot keeps it down."""
        ...


@dataclass(frozen=True)
class StackLogs:
    """The logs of one boot, in lines. `redaction` gives what is a secret by now.

    `servers` are those of the ingress, of the dependencies that are there, and of the backend's further programs.
    """

    reads: ReadsLogs
    replicas: Sequence[BootedReplica]
    dependencies: Mapping[str, BootedDependency]
    redaction: Callable[[], Redaction]
    servers: dict[str, ServerLog] = field(default_factory=dict)

    async def replica(self, index: int) -> tuple[str, ...]:
        """All that is kept of what that replica has written."""
        return self.redacted(await self.reads.replica(index))

    async def credentials(self, index: int) -> dict[str, str]:
        """The first line of its log with each credential that stands there, by its name; without the secrets."""
        redaction = self.redaction()
        first: dict[str, str] = {}
        for name, line in lines_with_credentials(await self.reads.replica(index), redaction.secrets):
            first.setdefault(name, redaction.text(line))
        return first

    async def dependency(self, name: str) -> tuple[str, ...]:
        """The end of what that server has written."""
        return self.redacted(await self.reads.dependency(name))

    async def infrastructure(self) -> dict[str, tuple[str, ...]]:
        """The end of each dependency's log."""
        return {name: await self.dependency(name) for name, dependency in self.dependencies.items() if dependency.there}

    async def mark(self) -> LogMark:
        """How far each has come now."""
        positions = tuple([await self.reads.position(replica.index) for replica in self.replicas])
        return LogMark(positions, {name: log.position() for name, log in self.servers.items()})

    async def replicas_between(self, first: LogMark, last: LogMark | None) -> tuple[tuple[str, ...], ...]:
        """What each replica wrote between two marks, or until now."""
        ends: tuple[float | None, ...] = (None,) * len(first.positions) if last is None else last.positions
        asked = zip(self.replicas, first.positions, ends, strict=True)
        return tuple(
            [self.redacted(await self.reads.between(replica.index, begin, end)) for replica, begin, end in asked]
        )

    async def servers_since(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        """What the servers wrote since that mark, but for requests that were passed on."""
        return {
            name: tuple(line for line in self.redacted(await log.since(first.servers[name])) if not is_request(line))
            for name, log in self.servers.items()
            if name in first.servers
        }

    def redacted(self, text: str) -> tuple[str, ...]:
        """The lines of that text, without the secrets."""
        return tuple(self.redaction().text(text).splitlines())
