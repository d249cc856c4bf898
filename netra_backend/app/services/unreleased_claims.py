"""Claims of this replica of which PostgreSQL could not be told, or did not say, what became of them."""

from __future__ import annotations

import time


class UnreleasedClaims:
    """The runs that may hold a message's claim though nobody works on it here, for as long as a claim lasts."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._runs: dict[tuple[str, str], dict[str, float]] = {}

    def add(self, user_id: str, message_id: str, run_id: str) -> None:
        """Note one; those that have run out by now are forgotten, as they are in the database."""
        now_s = time.monotonic()
        self._runs.setdefault((user_id, message_id), {})[run_id] = now_s + self._lease_s
        self._runs = {key: runs for key, runs in self._runs.items() if max(runs.values()) > now_s}

    def of(self, user_id: str, message_id: str) -> list[str]:
        """The runs whose claim of that message this replica may take over at once."""
        return [*self._runs.get((user_id, message_id), ())]

    def forget(self, user_id: str, message_id: str) -> None:
        """The message is claimed anew, or its claim was given back."""
        self._runs.pop((user_id, message_id), None)
