"""How much memory the replicas of a boot had after so many visits, as data."""

from __future__ import annotations

import msgspec

__all__ = ["MemorySeen"]


class MemorySeen(msgspec.Struct, frozen=True):
    """Resident memory in KiB of all processes of each replica, when so many visits had been made and nobody was there.

    All of them were made by one user, one after the other, half of them without a close.
    """

    visits: int
    replicas_kib: tuple[int, ...]

    @property
    def kib(self) -> int:
        """Of all replicas together: each has its share of the visits."""
        return sum(self.replicas_kib)
