"""A run that is over, as far as booting again asks of it; how it is kept is for others to say."""

from __future__ import annotations

from typing import Protocol

from envparity.engine.events import OrderBooted
from envparity.judge.finding import Verdict
from envparity.observe.record import Observation

__all__ = ["RecordedProject", "RecordedRun"]


class RecordedProject(Protocol):
    """What it was about: `orders` is the strength of the covering set, 0 for none."""

    @property
    def orders(self) -> int: ...


class RecordedRun(Protocol):
    """What was observed, its verdict, and the orders that were booted."""

    @property
    def project(self) -> RecordedProject: ...
    @property
    def observations(self) -> tuple[Observation, ...]: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def booted(self) -> tuple[OrderBooted, ...]: ...
    def observed(self, case: str, /) -> Observation | None: ...
