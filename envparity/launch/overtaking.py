"""Answers of a server that overtake one another: there is an order within a connection, and none between two."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from envparity.launch.toxics import Parcel, Toxic, ToxicEffect

__all__ = ["OvertakingAnswers"]


@dataclass
class _Window:
    """A time in which answers come in, and behind which they go on in reverse: over at `ends_s`."""

    ends_s: float = float("-inf")


@dataclass(frozen=True, kw_only=True)
class OvertakingAnswers(Toxic):
    """What different connections bring in the same half of `longest_ms` goes on in the other half, last things first.

    Nothing is later than `longest_ms`, and on one connection nothing overtakes. Who asks for one thing after the other
    meets slow answers; who asks for several at once has the one last that came first.
    """

    longest_ms: float
    window: _Window = field(default_factory=_Window, compare=False)

    def begin(self, connection: int) -> ToxicEffect:  # noqa: ARG002
        return _Mirrored(self.longest_ms / 2000, self.window)


@dataclass
class _Mirrored:
    half_s: float
    window: _Window
    last_s: float = 0.0

    def apply(self, parcel: Parcel) -> list[Parcel]:
        due_s = max(parcel.due_s, self.last_s)  # behind what is late, nothing overtakes it
        if parcel.data and due_s == parcel.due_s:
            if due_s > self.window.ends_s:
                self.window.ends_s = due_s + self.half_s
            due_s = 2 * self.window.ends_s - due_s
        self.last_s = due_s
        return [replace(parcel, due_s=due_s)]
