"""What the driver tells of the action that it was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from envparity.conversation.actions import HttpResponse
from envparity.observe.transcript import HandshakeAnswered

__all__ = ["ActionOutcome", "ControlOutcome"]


@dataclass(frozen=True)
class ControlOutcome:
    """What came of what the environment was told to do: why it failed, or of a replica how and how soon it ended, and
    what it said meanwhile of its liveness and, once it had been told, of its readiness.
    """

    failure: str = ""
    exit_code: int | None = None
    seconds: float | None = None
    liveness: int | None = None
    readiness: int | None = None


@dataclass
class ActionOutcome:
    """All that was told of the last action; nothing, where that is still awaited."""

    opened: HandshakeAnswered | None = None
    worker: int | None = None
    """The process that answered, where that was asked."""
    outcome: ControlOutcome | None = None
    response: HttpResponse | None = None
    expired: str | None = None
    """The phase that took too long; "" for the one that was asked for."""
    at_s: float = 0.0
    """When the last of it was told."""

    def forget(self) -> None:
        """Make ready for the outcome of what is asked for next."""
        self.opened = self.worker = self.outcome = self.response = self.expired = None
