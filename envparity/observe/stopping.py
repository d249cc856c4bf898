"""How long a replica took to stop that no client was connected to, as data."""

from __future__ import annotations

import msgspec

__all__ = ["StopSeen", "too_long_s"]


class StopSeen(msgspec.Struct, frozen=True):
    """A stop of a replica without a client: whether some `had` been there since it started, all of them gone since.

    `exit_code` 137 or -9: it was killed in the end.
    """

    replica: int
    had: bool
    seconds: float
    exit_code: int | None = None


def too_long_s(grace_s: float) -> float:
    """By how much longer it must take for clients that are gone, with that grace period, to be worth a word."""
    return max(1.0, grace_s / 4)
