"""The logs of a stack of processes, which are files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envparity.launch.log_text import read_log_file
from envparity.launch.process.parts import ProcessDependency, ProcessReplica
from envparity.launch.server_log import LOG_LINES

__all__ = ["FileLog", "ProcessLogs"]


@dataclass(frozen=True)
class FileLog:
    """A log in a file; its positions are bytes."""

    path: Path

    def position(self) -> float:
        """0 where there is no file yet."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    async def since(self, begin: float) -> str:
        """What stands there from that byte."""
        return read_log_file(self.path, int(begin))


@dataclass(frozen=True)
class ProcessLogs:
    """Reads them (`ReadsLogs`). Positions are bytes of the replica's file."""

    replicas: Sequence[ProcessReplica]
    dependencies: Mapping[str, ProcessDependency]

    async def replica(self, index: int) -> str:
        return read_log_file(self._file(index))

    async def position(self, index: int) -> float:
        return FileLog(self._file(index)).position()

    async def between(self, index: int, begin: float, end: float | None) -> str:
        return read_log_file(self._file(index), int(begin), None if end is None else int(end))

    async def dependency(self, name: str) -> str:
        server = self.dependencies[name].server
        return "" if server is None else server.child.log_tail(LOG_LINES)

    def _file(self, index: int) -> Path:
        return self.replicas[index].child.program.log
