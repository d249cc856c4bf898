"""What of the catalogue is judged today, in which environments, and what boots it; all of it in depth every night."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable
from typing import Literal, TypeVar

from parity_tests.faults.catalogue import BENIGN, CATALOGUE, ORDER_CATALOGUE, Fault, Twin

__all__ = [
    "CONTAINERS",
    "DAY",
    "DEPTH",
    "environments_of",
    "everything",
    "in_containers",
    "in_depth",
    "in_depth_today",
    "judged_today",
    "launcher_of",
    "twins_today",
]

CONTAINERS = 8
"""Every so many days each fault has its turn in containers; of those of an order one has it each day."""

DEPTH = 4
"""Every so many days each fault is judged in depth, and each twin: in all its environments, with its cause and replays.

A divisor of `CONTAINERS`: what has its turn in containers is judged in depth there.
"""

DAY = "ENVPARITY_DAY"
"""The variable that says which day it is, such as `2026-01-31`: that on which a run began, in each of its workers.

A run lasts past midnight, and what was chosen on one day is judged as on that day.
"""

_EVERYTHING = "ENVPARITY_FAULTS"  # "containers": the whole catalogue in containers, as every night

_Patch = TypeVar("_Patch", Fault, Twin)


def everything() -> bool:
    """Whether this is a thorough run, or one that judges all in containers, as every night."""
    return os.environ.get("ENVPARITY_THOROUGH") == "1" or os.environ.get(_EVERYTHING) == "containers"


def judged_today(patches: Iterable[_Patch]) -> tuple[_Patch, ...]:
    """Those of them that are judged: what takes long only in a thorough run, and where all are judged in containers."""
    return tuple(patch for patch in patches if everything() or not patch.nightly)


def in_depth(fault: Fault, today: dt.date | None = None) -> bool:
    """Whether a fault is judged in all its environments, with its cause and replays: on its day, and every night."""
    return everything() or _has_its_turn(fault, DEPTH, today)


def in_depth_today(faults: Iterable[Fault], today: dt.date | None = None) -> tuple[Fault, ...]:
    """Those of these faults that are judged in depth."""
    return tuple(fault for fault in judged_today(faults) if in_depth(fault, today))


def twins_today(today: dt.date | None = None) -> tuple[Twin, ...]:
    """The benign twins that are judged: the day's part, all of them where everything is judged."""
    return tuple(
        twin
        for place, twin in enumerate(BENIGN)
        if twin in judged_today(BENIGN) and (everything() or _falls_on(place, DEPTH, today))
    )


def environments_of(fault: Fault, today: dt.date | None = None) -> tuple[str, ...]:
    """What is booted for a fault: all that its head says where it is judged in depth.

    Otherwise one environment that shows it, and before that one that does not, where there is one: what is judged by
    comparison has something to be compared with, and a finding that is raised everywhere is noticed.
    """
    if in_depth(fault, today):
        return fault.environments
    shows = [name for name in fault.environments if name in fault.shows_in]
    others = [name for name in fault.environments if name not in fault.shows_in]
    chosen = {*others[:1], *shows[:1]}
    return tuple(name for name in fault.environments if name in chosen)


def launcher_of(fault: Fault, today: dt.date | None = None) -> Literal["container", "process"]:
    """What boots a fault: processes, but containers for what only they show and for the day's part of the catalogue.

    The parts change from day to day, so that each has its turn; with ENVPARITY_FAULTS=containers all have it.
    """
    if fault.process_only:
        return "process"
    if fault.container_only or os.environ.get(_EVERYTHING) == "containers":
        return "container"
    return "container" if _has_its_turn(fault, CONTAINERS, today) else "process"


def in_containers(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Those of these faults that are booted in containers today."""
    return tuple(fault for fault in judged_today(faults) if launcher_of(fault) == "container")


def _has_its_turn(fault: Fault, days: int, today: dt.date | None) -> bool:
    """Whether this is the day of a fault among so many; of those of an order one has it each day."""
    peers = ORDER_CATALOGUE if fault.needs == "orders" else CATALOGUE
    place = [peer.id for peer in peers].index(fault.id)
    return _falls_on(place, len(peers) if fault.needs == "orders" else days, today)


def _falls_on(place: int, days: int, today: dt.date | None) -> bool:
    return (place + (today or _day_of_run()).toordinal()) % days == 0


def _day_of_run() -> dt.date:
    """The day that `DAY` says; whoever asks first says it, to those as well whom this process starts."""
    if DAY not in os.environ:
        os.environ[DAY] = dt.datetime.now(tz=dt.UTC).date().isoformat()
    return dt.date.fromisoformat(os.environ[DAY])
