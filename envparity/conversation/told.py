"""What the driver tells of the action that it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Opened", "Outcome", "Told"]


@dataclass(frozen=True)
class Opened:
    """How the upgrade was answered: an HTTP status, or 0 and `error`."""

    status: int
    subprotocol: str
    replica: int | None
    error: str


@dataclass(frozen=True)
class Outcome:
    """What came of what the environment was told to do."""

    result: dict[str, Any]
    failure: str


@dataclass
class Told:
    """All that was told of the last action; nothing, where that is still awaited."""

    opened: Opened | None = None
    outcome: Outcome | None = None
    expired: str | None = None
    """The phase that took too long; "" for the one that was asked for."""
    at_s: float = 0.0
    """When the last of it was told."""

    def forget(self) -> None:
        """Make ready for the outcome of what is asked for next."""
        self.opened = self.outcome = self.expired = None
