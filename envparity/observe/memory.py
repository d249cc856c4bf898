"""How much memory the replicas of a boot had after so many visits or conversations, as data."""

from __future__ import annotations

import msgspec

__all__ = ["MemorySeen"]


class MemorySeen(msgspec.Struct, frozen=True):
    """Memory of their own in KiB of all processes of each replica, when so many had come and gone and nobody was there.

    Without a `scenario` one user came so often, one visit after the other, half of them without a close, and said
    nothing; else some users had so many conversations of that one.
    """

    times: int
    replicas_kib: tuple[int, ...]
    scenario: str = ""

    @property
    def kib(self) -> int:
        """Of all replicas together: each has its share of who comes."""
        return sum(self.replicas_kib)
