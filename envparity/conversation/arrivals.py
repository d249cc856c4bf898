"""What connections brought and the script has not come to yet."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from envparity.conversation.contract import Contract

__all__ = ["Arrival", "Arrivals"]


@dataclass(frozen=True)
class Arrival:
    """Something that a connection brought: a frame, or its close ({code, reason, by})."""

    at_s: float
    data: dict[str, Any]
    closed: bool
    violations: tuple[str, ...] = ()


class Arrivals:
    """One queue for each connection. Every arrival is held against the contract, where there is one.

    `frame_type` is the field that says what a frame is; frames of the types in `ignored` belong to no conversation.
    """

    def __init__(self, contract: Contract | None, frame_type: str, ignored: frozenset[str]) -> None:
        self._contract, self._frame_type, self._ignored = contract, frame_type, ignored
        self._queues: defaultdict[str, deque[Arrival]] = defaultdict(deque)

    def frame(self, connection: str, message: str | bytes, at_s: float) -> None:
        """A data frame arrived."""
        data = _decoded(message)
        violations = self._contract.violations(data, "received") if self._contract else ()
        self._queues[connection].append(Arrival(at_s, data, closed=False, violations=violations))

    def close(self, connection: str, code: int, reason: str, by: Literal["client", "server"], at_s: float) -> None:
        """The connection is closed."""
        violations = self._contract.close_violations(code, reason) if self._contract and by == "server" else ()
        data = {"code": code, "reason": reason, "by": by}
        self._queues[connection].append(Arrival(at_s, data, closed=True, violations=violations))

    def take(self, connection: str, skip: tuple[str, ...] = ()) -> tuple[Arrival | None, list[Arrival]]:
        """The first that waits on a connection and is neither ignored nor of a type in `skip`; and what it passed."""
        queue = self._queues[connection]
        passed: list[Arrival] = []
        while queue:
            arrival = queue.popleft()
            if arrival.closed or arrival.data.get(self._frame_type) not in self._ignored.union(skip):
                return arrival, passed
            passed.append(arrival)
        return None, passed

    def rest(self) -> Iterator[tuple[str, Arrival]]:
        """Take everything that is still there, but what is ignored, and closes that the client began."""
        for connection, queue in self._queues.items():
            while queue:
                arrival = queue.popleft()
                ours = arrival.closed and arrival.data["by"] == "client"
                if not ours and (arrival.closed or arrival.data.get(self._frame_type) not in self._ignored):
                    yield connection, arrival


def _decoded(message: str | bytes) -> dict[str, Any]:
    """The JSON object that a frame holds; {"text": …} or {"bytes": n} where it holds none."""
    if isinstance(message, bytes):
        return {"bytes": len(message)}
    try:
        held = json.loads(message)
    except (ValueError, RecursionError):
        return {"text": message}
    return held if isinstance(held, dict) else {"text": message}
