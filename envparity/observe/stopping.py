"""How a replica stopped that no client was connected to, or that was still starting, as data."""

from __future__ import annotations

import msgspec

__all__ = ["KILLED", "KillSeen", "StartStopSeen", "StopSeen", "too_long_s"]

KILLED = frozenset({137, -9})
"""Exit codes of who was killed (128 plus SIGKILL, as a container reports it, or -9, as a process does)."""


class StopSeen(msgspec.Struct, frozen=True):
    """A stop of a replica without a client: whether some `had` been there since it started, all of them gone since.

    `exit_code` 137 or -9: it was killed in the end.
    """

    replica: int
    had: bool
    seconds: float
    exit_code: int | None = None


class StartStopSeen(msgspec.Struct, frozen=True):
    """A stop of a replica that still waited for a dependency when it was told to, `seconds` before it had ended.

    The dependency accepted its connection and said nothing; where half the grace period was over all of them answered
    again, `back_after_s` seconds after the signal. `said` is what of it said only after the signal that it has started;
    `log` the end of what it wrote since then. `exit_code` as in `StopSeen`.
    """

    replica: int
    waited_for: str
    seconds: float
    exit_code: int | None = None
    back_after_s: float | None = None
    said: tuple[str, ...] = ()
    log: tuple[str, ...] = ()

    @property
    def was_killed(self) -> bool:
        """Whether it had not ended when the grace period was over."""
        return self.exit_code in KILLED


class KillSeen(msgspec.Struct, frozen=True):
    """A replica that was killed and started again with the disk that it had, so often as it ended by itself.

    `back`: it became ready. `exit_code` is how it ended last (None: it runs), `log` the end of what it has written
    since it was killed, where it did not come back.
    """

    replica: int
    back: bool
    starts: int
    exit_code: int | None = None
    log: tuple[str, ...] = ()


def too_long_s(grace_s: float) -> float:
    """By how much longer it must take for clients that are gone, with that grace period, to be worth a word."""
    return max(1.0, grace_s / 4)
