"""The log of something that stands beside the replicas."""

from __future__ import annotations

from typing import Protocol

__all__ = ["LOG_LINES", "ServerLog"]

LOG_LINES = 60
"""How many lines of its end are recorded."""


class ServerLog(Protocol):
    """The log of something that stands beside the replicas."""

    def position(self) -> float:
        """How far it has come: a number that only `since` understands."""
        ...

    async def since(self, begin: float) -> str:
        """What it has written since then."""
        ...
