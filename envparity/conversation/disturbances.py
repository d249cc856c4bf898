"""What a script disturbed, from when until when, and what was seen of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from envparity.launch.controls import Disturbable
from envparity.launch.port import Stack
from envparity.observe.disturbed import Disturbed

__all__ = ["Disturbances"]

_AWAY = frozenset({"black_hole", "cut", "hang_up", "refuse"})
"""The disturbances of which the proxy sees who tries to connect."""


@dataclass(frozen=True)
class _Begun:
    """One of them; `ended_s` is None while it goes on."""

    action: str
    target: str
    began_s: float
    ended_s: float | None = None


class Disturbances:
    """Those of one scenario, in their order. `now` gives seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._begun: list[_Begun] = []

    @property
    def any(self) -> bool:
        """Whether anything was disturbed."""
        return bool(self._begun)

    def begin(self, action: str, target: str) -> int:
        """Note that it begins; gives its number."""
        self._begun.append(_Begun(action, target, self._now()))
        return len(self._begun) - 1

    def end(self, number: int) -> None:
        """Note that the one of that number is over."""
        self._begun[number] = replace(self._begun[number], ended_s=self._now())

    def restored(self, target: str) -> None:
        """Note that whatever was done to that target is over."""
        now_s = self._now()
        self._begun = [
            replace(begun, ended_s=now_s) if begun.ended_s is None and begun.target == target else begun
            for begun in self._begun
        ]

    def seen(self, stack: Stack) -> tuple[Disturbed, ...]:
        """All of them so far, with what that stack saw."""
        outages = {}
        for name in {begun.target for begun in self._begun if begun.action in _AWAY}:
            if isinstance(stack, Disturbable):
                times = sum(begun.action in _AWAY and begun.target == name for begun in self._begun)
                outages[name] = list(stack.outages(name)[-times:])
        return tuple(
            Disturbed(
                begun.action,
                begun.target,
                round(begun.began_s, 3),
                round(self._now() if begun.ended_s is None else begun.ended_s, 3),
                outages[begun.target].pop(0) if begun.action in _AWAY and outages.get(begun.target) else None,
            )
            for begun in self._begun
        )
