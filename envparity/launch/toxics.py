"""What a bad network does to a stream of bytes, in Toxiproxy's vocabulary. Pure: no socket, no clock.

A toxic is plain data. For each connection and direction it begins a `ToxicEffect`, which is handed every parcel of
bytes in order and gives the parcels that go on. A parcel is never sent before its time, and time never runs backwards.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

__all__ = [
    "Bandwidth",
    "BrokenAnswer",
    "Direction",
    "Latency",
    "LimitData",
    "LostRequest",
    "Parcel",
    "ResetPeer",
    "Slicer",
    "SlowAnswers",
    "Timeout",
    "Toxic",
    "ToxicEffect",
]

Direction = Literal["downstream", "upstream"]  # downstream: from the server to the client
End = Literal["", "half", "close", "reset"]


@dataclass(frozen=True)
class Parcel:
    """Bytes that may leave at `due_s` (the event loop's clock), and what happens to the stream after them.

    `end`: "half" the sender has sent everything; "close" both directions end; "reset" both end with a TCP reset.
    """

    due_s: float
    data: bytes
    end: End = ""


class ToxicEffect(Protocol):
    """One toxic at work on one direction of one connection."""

    def apply(self, parcel: Parcel) -> list[Parcel]:
        """What becomes of that parcel, in order of time."""
        ...


class _Unchanged:
    def apply(self, parcel: Parcel) -> list[Parcel]:
        return [parcel]


@dataclass(frozen=True, kw_only=True)
class Toxic:
    """Something bad that happens to one direction. `name` is how it is removed; empty: `latency_downstream`."""

    name: str = ""
    direction: Direction = "downstream"

    @property
    def label(self) -> str:
        return self.name or f"{type(self).__name__.lower()}_{self.direction}"

    def begin(self, connection: int) -> ToxicEffect:  # noqa: ARG002  most effects are the same for every connection
        """The effect on one connection; `connection` counts from 0."""
        return _Unchanged()


@dataclass(frozen=True, kw_only=True)
class Latency(Toxic):
    """Every byte arrives `latency_ms` later, give or take `jitter_ms` (uniform, from `seed`).

    It is a delay line: the stream is late, not slow, and no byte overtakes another.
    """

    latency_ms: float
    jitter_ms: float = 0.0
    seed: int = 0

    def begin(self, connection: int) -> ToxicEffect:
        dice = random.Random(f"{self.seed}/{connection}/{self.direction}")  # noqa: S311  repeatable on purpose
        return _Late(self.latency_ms / 1000, self.jitter_ms / 1000, dice)


@dataclass
class _Late:
    latency_s: float
    jitter_s: float
    dice: random.Random
    last_s: float = 0.0

    def apply(self, parcel: Parcel) -> list[Parcel]:
        delay_s = max(0.0, self.latency_s + self.jitter_s * self.dice.uniform(-1, 1))
        self.last_s = max(self.last_s, parcel.due_s + delay_s)
        return [replace(parcel, due_s=self.last_s)]


@dataclass(frozen=True, kw_only=True)
class Bandwidth(Toxic):
    """No more than `rate_kb` kilobytes (1000 bytes) pass in a second."""

    rate_kb: float

    def begin(self, connection: int) -> ToxicEffect:  # noqa: ARG002
        return _Narrow(self.rate_kb * 1000)


@dataclass
class _Narrow:
    bytes_per_s: float
    free_s: float = 0.0

    def apply(self, parcel: Parcel) -> list[Parcel]:
        # In pieces of a tenth of a second, so that a slow line trickles rather than bursts.
        size = max(1, int(self.bytes_per_s / 10))
        pieces = []
        for piece in [parcel.data[at : at + size] for at in range(0, len(parcel.data), size)] or [b""]:
            self.free_s = max(self.free_s, parcel.due_s) + len(piece) / self.bytes_per_s
            pieces.append(Parcel(self.free_s, piece))
        pieces[-1] = replace(pieces[-1], end=parcel.end)
        return pieces


@dataclass(frozen=True, kw_only=True)
class Slicer(Toxic):
    """Bytes arrive in pieces of `average_size`, give or take `size_variation`, `delay_us` microseconds apart."""

    average_size: int
    size_variation: int = 0
    delay_us: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.size_variation < self.average_size:
            raise ValueError(f"expected 0 <= size_variation < average_size, got {self.size_variation}")

    def begin(self, connection: int) -> ToxicEffect:
        dice = random.Random(f"{self.seed}/{connection}/{self.direction}")  # noqa: S311  repeatable on purpose
        return _Sliced(self.average_size, self.size_variation, self.delay_us / 1e6, dice)


@dataclass
class _Sliced:
    size: int
    variation: int
    delay_s: float
    dice: random.Random
    last_s: float = 0.0

    def apply(self, parcel: Parcel) -> list[Parcel]:
        pieces = []
        at = 0
        due_s = max(self.last_s, parcel.due_s)
        while at < len(parcel.data):
            size = self.size + self.dice.randint(-self.variation, self.variation)
            pieces.append(Parcel(due_s, parcel.data[at : at + size]))
            at += size
            due_s += self.delay_s
        self.last_s = due_s
        if not pieces:
            return [replace(parcel, due_s=due_s)]
        pieces[-1] = replace(pieces[-1], end=parcel.end)
        return pieces


@dataclass(frozen=True, kw_only=True)
class LimitData(Toxic):
    """The connection is closed as soon as that many `bytes` have passed."""

    bytes: int

    def begin(self, connection: int) -> ToxicEffect:  # noqa: ARG002
        return _Limited(self.bytes)


@dataclass
class _Limited:
    left: int

    def apply(self, parcel: Parcel) -> list[Parcel]:
        if parcel.data and len(parcel.data) >= self.left:
            passed, self.left = parcel.data[: self.left], 0
            return [replace(parcel, data=passed, end="close")]
        self.left -= len(parcel.data)
        return [parcel]


@dataclass(frozen=True, kw_only=True)
class ResetPeer(Toxic):
    """The first bytes do not arrive: `timeout_ms` later both sides get a TCP reset."""

    timeout_ms: float = 0.0

    def begin(self, connection: int) -> ToxicEffect:  # noqa: ARG002
        return _Resetting(self.timeout_ms / 1000)


@dataclass
class _Resetting:
    timeout_s: float
    spent: bool = field(default=False)

    def apply(self, parcel: Parcel) -> list[Parcel]:
        if self.spent:
            return []
        if not parcel.data:
            return [parcel]
        self.spent = True
        return [Parcel(parcel.due_s + self.timeout_s, b"", "reset")]


@dataclass(frozen=True, kw_only=True)
class SlowAnswers(Toxic):
    """The next `answers` of all connections together arrive `delay_ms` later, and no other.

    An answer is what a connection brings at once; what comes behind one that is late is no other, nor late twice.
    """

    delay_ms: float
    answers: int = 1
    left: list[int] = field(default_factory=list, compare=False)

    def begin(self, connection: int) -> ToxicEffect:  # noqa: ARG002
        if not self.left:
            self.left.append(self.answers)
        return _SlowInTurn(self.delay_ms / 1000, self.left)


@dataclass
class _SlowInTurn:
    delay_s: float
    left: list[int]
    last_s: float = 0.0

    def apply(self, parcel: Parcel) -> list[Parcel]:
        due_s = max(parcel.due_s, self.last_s)  # behind what is late, nothing overtakes it
        if parcel.data and due_s == parcel.due_s and self.left[0] > 0:
            self.left[0] -= 1
            due_s += self.delay_s
        self.last_s = due_s
        return [replace(parcel, due_s=due_s)]


@dataclass(frozen=True, kw_only=True)
class BrokenAnswer(Toxic):
    """Half of the `nth` answer arrives, on whichever connection, and behind it a TCP reset; then all is as before."""

    nth: int = 1
    seen: list[int] = field(default_factory=lambda: [0], compare=False)

    def begin(self, connection: int) -> ToxicEffect:  # noqa: ARG002
        return _Breaking(self.nth, self.seen, kept=0.5)


@dataclass(frozen=True, kw_only=True)
class LostRequest(BrokenAnswer):
    """The `nth` request does not arrive, on whichever connection: there is a TCP reset instead. Then all is as before.

    A request is what a connection sends at once.
    """

    direction: Direction = "upstream"

    def begin(self, connection: int) -> ToxicEffect:  # noqa: ARG002
        return _Breaking(self.nth, self.seen, kept=0)


@dataclass
class _Breaking:
    nth: int
    seen: list[int]
    kept: float

    def apply(self, parcel: Parcel) -> list[Parcel]:
        if not parcel.data:
            return [parcel]
        self.seen[0] += 1
        if self.seen[0] != self.nth:
            return [parcel]
        return [replace(parcel, data=parcel.data[: math.ceil(len(parcel.data) * self.kept)], end="reset")]


@dataclass(frozen=True, kw_only=True)
class Timeout(Toxic):
    """Nothing gets through; `timeout_ms` after the toxic (or the connection) began the connection is closed. 0: never.

    Removed in time, it lets what was held go on, as a healed network does. What holds the bytes is the proxy.
    """

    timeout_ms: float = 0.0
