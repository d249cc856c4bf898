"""When the engine is asked whether a container still runs, while something else is waited for."""

from __future__ import annotations

import time

__all__ = ["Looks"]

_EVERY_S = 0.25


class Looks:
    """Looks that are `every_s` seconds apart: each costs the engine and this process milliseconds."""

    def __init__(self, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s
        self._next_s = time.monotonic() + every_s

    @property
    def due(self) -> bool:
        """Whether it is time for one; then the next is due when its time has passed again."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._every_s
        return True
