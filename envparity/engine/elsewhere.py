"""Who boots what a run asks for, where that is not the run itself: another process has done it, or others are asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

import msgspec

from envparity.engine.case_result import CaseResult
from envparity.engine.ends import Ends
from envparity.engine.plan import PlannedCase
from envparity.judge.cause import Cause, Chance
from envparity.judge.evidence import ObservedDifference
from envparity.model.case import Case
from envparity.observe.record import Observation

__all__ = ["AskedSearch", "CaseSource", "Crew", "Found"]


class AskedSearch(msgspec.Struct, frozen=True):
    """A search for causes that is to be made elsewhere, within `seconds`. `ends` by the findings' places in the run.

    "traits": which of the differences make it; "rates": how often each shows, where `by_chance` are those of which it
    is known that they do not show always; "changed": what changes the rates of `chance`, of one finding.
    """

    kind: Literal["traits", "rates", "changed"]
    ends: dict[int, Ends]
    seconds: float
    by_chance: tuple[int, ...] = ()
    chance: Chance | None = None


class Found(msgspec.Struct, frozen=True):
    """What a search found of one finding; None: it did not show once more, or nobody can say whether it does.

    `by_chance` is where a further boot of the passing environment differed from its first one, at the finding's paths.
    """

    cause: Cause | None = None
    by_chance: tuple[ObservedDifference, ...] = ()


class CaseSource(Protocol):
    """Knows what planned cases showed."""

    async def case(self, planned: PlannedCase) -> CaseResult:
        """What that case showed."""
        ...


@runtime_checkable
class Crew(CaseSource, Protocol):
    """Others that boot: planned cases, and what only turns out to be needed while the run goes on."""

    async def again(self, planned: PlannedCase, nth: int) -> Observation:
        """What one more boot of that planned case shows, the `nth`."""
        ...

    async def cold(self, case: Case) -> Observation:
        """What that case, which nobody planned, shows in fresh containers."""
        ...

    async def search(self, asked: AskedSearch) -> Mapping[int, Found]:
        """What that search finds, by the findings' places."""
        ...
