"""What connections brought and the script has not come to yet."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from envparity.conversation.contract.contract import Contract
from envparity.conversation.wire import FrameReading, Wire
from envparity.observe.frame import Frame, plain

__all__ = ["MOST_UNREAD_BYTES", "Arrival", "Arrivals", "Closure"]

MOST_UNREAD_BYTES = 16 * 1024 * 1024
"""How much may wait on a connection that no step has read: as long as there is more, nothing is taken from it."""

_A_FRAME_BYTES = 1024  # what a frame takes beside its text


@dataclass(frozen=True)
class Arrival:
    """A frame that a connection brought, what the contract has against it, and the message of the wire.

    `size` is about what it takes of memory, in bytes.
    """

    at_s: float
    frame: Frame
    violations: tuple[str, ...] = ()
    message: str | bytes = ""
    size: int = _A_FRAME_BYTES


@dataclass(frozen=True)
class Closure:
    """The close of a connection: the code and reason, who began, and what the contract has against it.

    `noted` is the number of its event where it has been written down already.
    """

    at_s: float
    code: int
    reason: str
    by: Literal["client", "server"]
    violations: tuple[str, ...] = ()
    noted: int | None = None


class Arrivals:
    """One queue for each connection. Every arrival is held against the contract, where there is one.

    `killed` are the connections whose peer was killed: how they are closed is nobody's promise. `reading` knows what a
    message says; frames of the types in `ignored` belong to no conversation.
    """

    def __init__(self, contract: Contract | None, reading: FrameReading, ignored: frozenset[str]) -> None:
        self._contract, self._reading, self._ignored = contract, reading, ignored
        self.wire = Wire(reading)
        self._queues: defaultdict[str, deque[Arrival | Closure]] = defaultdict(deque)
        self._unread: Counter[str] = Counter()
        self.killed: set[str] = set()

    def message(self, connection: str, message: str | bytes, at_s: float) -> tuple[str | bytes, ...]:
        """A message arrived, with as many frames as it holds. Gives what a client answers to it by itself."""
        frames, answers = self.wire.received(connection, message)
        size = len(message) // max(len(frames), 1) + _A_FRAME_BYTES
        for frame in frames:
            violations = self._contract.violations(plain(frame), "received") if self._contract else ()
            self._queues[connection].append(Arrival(at_s, frame, violations, message, size))
            self._unread[connection] += size
        return answers

    def type_of(self, arrival: Arrival | Closure) -> str | None:
        """What a frame says it is; None for a close, and where it says nothing."""
        return None if isinstance(arrival, Closure) else self._reading.type_of(arrival.frame)

    def too_much(self, connection: str) -> bool:
        """Whether more than `MOST_UNREAD_BYTES` wait on that connection."""
        return self._unread[connection] > MOST_UNREAD_BYTES

    def close(self, connection: str, code: int, reason: str, by: Literal["client", "server"], at_s: float) -> None:
        """The connection is closed."""
        held = by == "server" and connection not in self.killed
        violations = self._contract.close_violations(code, reason) if self._contract and held else ()
        self._queues[connection].append(Closure(at_s, code, reason, by, violations))

    def take(self, connection: str, skip: tuple[str, ...] = ()) -> tuple[Arrival | Closure | None, list[Arrival]]:
        """The first that waits on a connection and is neither ignored nor of a type in `skip`; and what it passed."""
        queue = self._queues[connection]
        passed: list[Arrival] = []
        while queue:
            arrival = queue.popleft()
            self._unread[connection] -= 0 if isinstance(arrival, Closure) else arrival.size
            if isinstance(arrival, Closure) or self._type_of(arrival) not in self._ignored.union(skip):
                return arrival, passed
            passed.append(arrival)
        return None, passed

    def rest(self) -> Iterator[tuple[str, Arrival | Closure]]:
        """Take everything that is still there, but closes that the client began."""
        for connection, queue in self._queues.items():
            while queue:
                arrival = queue.popleft()
                if not isinstance(arrival, Closure) or arrival.by != "client":
                    yield connection, arrival

    def is_ignored(self, arrival: Arrival) -> bool:
        """Whether the frame belongs to no conversation."""
        return self._type_of(arrival) in self._ignored

    def _type_of(self, arrival: Arrival) -> object:
        """What the frame says it is; None where it says nothing that could be a name."""
        return self._reading.type_of(arrival.frame)
