"""All that the boots of one planned case showed, as data that another process can judge."""

from __future__ import annotations

import msgspec

from envparity.judge.cause import NotFound, OrderCause
from envparity.model.case import Boot
from envparity.observe.record import Observation

__all__ = ["CaseMore", "CaseResult", "Explained"]


class Explained(msgspec.Struct, frozen=True):
    """What came of shrinking the order of `boot`, which shows a finding of that code at that place."""

    code: str
    where: str
    boot: Boot
    cause: OrderCause | NotFound


class CaseMore(msgspec.Struct, frozen=True):
    """What a case showed beside its one observation: further boots of it, and the orders of its environment.

    `coverage` says which orders these are, in which `covered` of `feasible` sequences occur, `explained` what in them
    fails, `unsteady` what came to a deadline in one boot and not in the same boot alone.
    """

    repeats: tuple[Observation, ...] = ()
    ordered: tuple[Observation, ...] = ()
    coverage: str = ""
    covered: int = 0
    feasible: int = 0
    explained: tuple[Explained, ...] = ()
    unsteady: tuple[str, ...] = ()


class CaseResult(msgspec.Struct, frozen=True):
    """One planned case, booted and observed in `duration_s` seconds."""

    observation: Observation
    more: CaseMore = CaseMore()
    duration_s: float = 0.0
