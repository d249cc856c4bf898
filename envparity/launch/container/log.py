"""The log of a container: what the engine may keep of it on its disk, and what is read of that."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Literal

from docker.models.containers import Container
from docker.types import LogConfig

from envparity.launch.container.engine import Engine
from envparity.launch.log_text import KeptLog

__all__ = ["MOST_BYTES", "ContainerLog", "LogPart", "bounded_log", "read_log"]

_FILES: Final = 2
_FILE_MIB: Final = 32
MOST_BYTES: Final = _FILES * _FILE_MIB * 1024 * 1024
"""So much of a container's log the engine keeps at most; when that is full, it lets the older half go."""

_LONGEST_CHARACTER: Final = 6  # in JSON, as the engine keeps it: \u001b
_AROUND_A_LINE: Final = 96  # {"log":"\n","stream":"stdout","time":"2026-01-31T10:00:00.123456789Z"}


def bounded_log() -> LogConfig:
    """What the engine is told at the making of a container; whatever its default is, the log can be read so too."""
    return LogConfig(type=LogConfig.types.JSON, config={"max-size": f"{_FILE_MIB}m", "max-file": str(_FILES)})


@dataclass(frozen=True)
class LogPart:
    """What is asked for of a log: so many lines of its end, and what was written between two moments."""

    tail: int | Literal["all"] = "all"
    since: float | None = None
    until: float | None = None


def read_log(container: Container, part: LogPart = LogPart()) -> str:
    """What is kept of that part of a log. Blocks.

    Where the engine may have let go of its beginning, a line in front says so.
    """
    kept, size = KeptLog(), 0
    chunks = container.logs(stream=True, follow=False, tail=part.tail, since=part.since, until=part.until)
    for chunk in chunks:
        kept.feed(chunk)
        size += len(chunk) * _LONGEST_CHARACTER + chunk.count(b"\n") * _AROUND_A_LINE
    if size < MOST_BYTES // _FILES:
        return kept.text
    said = f"[envparity: the engine keeps the last {MOST_BYTES >> 20} MiB of this log; what was before is left out]\n"
    return said + kept.text


@dataclass(frozen=True)
class ContainerLog:
    """A container's log, as the engine keeps it; its positions are moments of the engine's clock, this machine's."""

    engine: Engine
    container: Container
    what: str

    def position(self) -> float:
        """Now."""
        return time.time()

    async def since(self, begin: float) -> str:
        """What was written from that moment on."""
        return await self.engine.call(f"{self.what}'s log", lambda: read_log(self.container, LogPart(since=begin)))
