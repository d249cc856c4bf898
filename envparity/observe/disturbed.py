"""What was done to an environment in the middle of a conversation, and how the backend bore it, as data."""

from __future__ import annotations

import msgspec

__all__ = ["ConnectionAttempt", "Disturbed", "OutageSeen"]


class ConnectionAttempt(msgspec.Struct, frozen=True):
    """A connection that was tried: seconds since the dependency went away, and by which replica (None: not known)."""

    at_s: float
    replica: int | None = None


class OutageSeen(msgspec.Struct, frozen=True):
    """A dependency that was away for `lasted_s` seconds, as its proxy saw it.

    `attempts` to connect were made meanwhile, and `more` that are not listed. The first connection since then went
    through `connected_s` seconds after it was back (None: none in `watched_s`, for which that was looked at). Where it
    is not `seen` who tries, nothing is known of attempts.
    """

    lasted_s: float
    attempts: tuple[ConnectionAttempt, ...] = ()
    more: int = 0
    connected_s: float | None = None
    watched_s: float = 0.0
    seen: bool = True

    @property
    def tried(self) -> int:
        """How often it was tried."""
        return len(self.attempts) + self.more


class Disturbed(msgspec.Struct, frozen=True):
    """One disturbance of a scenario: its `action` is the step's key, `target` what it was done to, from when to when in
    seconds since the scenario began. `outage` is what the proxy saw where a dependency was away.
    """

    action: str
    target: str
    began_s: float
    ended_s: float
    outage: OutageSeen | None = None
