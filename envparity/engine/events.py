"""The one stream of events of a run. Writers read it; the engine does not know who does."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from envparity.engine.case_result import CaseMore
from envparity.judge.finding import Verdict
from envparity.model.case import Boot
from envparity.observe.image import ImageRecord
from envparity.observe.record import Observation

__all__ = [
    "CaseObserved",
    "CaseStarted",
    "Emit",
    "Event",
    "OrderBooted",
    "OrdersPlanned",
    "RunFinished",
    "RunStarted",
    "ScenarioPlayed",
    "Waiting",
]


class RunStarted(msgspec.Struct, frozen=True, tag=True):
    """Emitted once, before anything boots."""

    run_id: str
    launcher: str
    cannot_check: tuple[str, ...]
    backend: str
    environments: tuple[str, ...]
    cases: int
    scenarios: int
    rules: int
    reason: str = ""
    images: tuple[ImageRecord, ...] = ()  # what containers are made from
    attached: dict[str, str] = {}  # the environments that are not booted but observed where they run, and their URLs


class Waiting(msgspec.Struct, frozen=True, tag=True):
    """What is being waited for; `case` is a Case.id, or empty for what concerns the whole run (images)."""

    case: str
    waited_for: str


class CaseStarted(msgspec.Struct, frozen=True, tag=True):
    """A case began to boot; `title` is the case in words.

    `doubted` is what came to a deadline in the boot before, where it boots once more with nothing beside it.
    """

    case: str
    environment: str
    title: str
    scenarios: int
    doubted: str = ""


class ScenarioPlayed(msgspec.Struct, frozen=True, tag=True):
    """One scenario of a case is over; `departed` when it left its script."""

    case: str
    scenario: str
    departed: bool
    duration_s: float


class CaseObserved(msgspec.Struct, frozen=True, tag=True):
    """A case was booted, observed and taken down; `left` cases are still to come.

    `more` is there in the runs of shards, which are judged together with others: all else that the case showed.
    """

    case: str
    observation: Observation
    left: int
    duration_s: float
    more: CaseMore | None = None


class RunFinished(msgspec.Struct, frozen=True, tag=True):
    """The verdict. Always the last event of a run in which anything was seen to its end and that was not killed."""

    verdict: Verdict


class OrdersPlanned(msgspec.Struct, frozen=True, tag=True):
    """An environment will now be booted in `boots` orders, in which `covered` of `feasible` sequences occur."""

    case: str
    environment: str
    title: str
    boots: int
    covered: int
    feasible: int


class OrderBooted(msgspec.Struct, frozen=True, tag=True):
    """One of these orders was booted and observed: `done` of `of` so far; `startup` says how it ended.

    `boot` is what it takes to boot it again; None only in runs that an earlier version saved.
    """

    case: str
    order_case: str
    done: int
    of: int
    startup: str
    boot: Boot | None = None


Event = RunStarted | Waiting | CaseStarted | ScenarioPlayed | CaseObserved | OrdersPlanned | OrderBooted | RunFinished
Emit = Callable[[Event], None]
