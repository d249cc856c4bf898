"""How many messages one connection may send within any minute."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_S = 60.0


class RateLimit:
    """A sliding window: exact, and small, because it holds one moment for each message that is allowed."""

    def __init__(self, messages_per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._allowed = messages_per_minute
        self._now = now
        self._moments: deque[float] = deque()

    def allows_one_more(self) -> bool:
        """Count one message; False when it is one too many."""
        now = self._now()
        while self._moments and self._moments[0] <= now - WINDOW_S:
            self._moments.popleft()
        if len(self._moments) >= self._allowed:
            return False
        self._moments.append(now)
        return True
