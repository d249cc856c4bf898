"""When to run: at fixed moments, which never drift and never bunch."""

from __future__ import annotations

import math

__all__ = ["Schedule"]


class Schedule:
    """Moments `every_s` seconds apart, the first at `began_s`. A moment that has passed is skipped, not made up for."""

    def __init__(self, every_s: float, began_s: float) -> None:
        self._every_s, self._began_s = every_s, began_s
        self._last = -1

    def next(self, now_s: float) -> tuple[float, int]:
        """The next moment that is not over, and how many were skipped since the last one."""
        wanted = self._last + 1
        due = wanted
        if wanted > 0 and now_s > self._began_s + wanted * self._every_s:
            due = max(wanted, math.ceil((now_s - self._began_s) / self._every_s))
        self._last = due
        return self._began_s + due * self._every_s, due - wanted
