"""What a scenario that disturbs must say beside that, and what would have no effect. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from envparity.model.case import Boot
from envparity.model.scenario import MOST_REPEATED
from envparity.model.step import (
    BreakAnswer,
    BreakRequest,
    Cut,
    Disturbance,
    DisturbsDependency,
    JumpClock,
    ReadOn,
    Restore,
    Step,
    StopReading,
    action_of,
)

__all__ = ["disturbing_problems"]

Problem = tuple[str, str, str, str]
"""The key below the scenario, what was expected, what is there, what to do."""

_LONGEST_APART_S: Final = 30.0
_FURTHEST_S: Final = 315_576_000.0  # ten years


def disturbing_problems(head: Mapping[str, object], steps: Sequence[Step | None]) -> Iterator[Problem]:
    """What is wrong with the disturbances of a scenario. `steps` has None for each that could not be read."""
    boot = head.get("boot")
    clocks = boot.clocks if isinstance(boot, Boot) else ()
    yield from _of_clocks(clocks, head.get("replicas", 1))
    yield from _of_starts(boot.apart_s if isinstance(boot, Boot) else 0.0, head.get("replicas", 1))
    for key in ("other_host", "silent_start") if isinstance(boot, Boot) else ():
        if names := getattr(boot, key):
            yield f"boot.{key}", "nothing: a thorough run boots so by itself", ", ".join(names), "remove it"
    yield from _of_what_is_lost_in_turn(steps)
    disturbed: set[str] = set()
    unread: set[str] = set()
    for index, step in enumerate(steps):
        key = f"steps[{index}].{action_of(step)}" if step is not None else ""
        if isinstance(step, Disturbance) and not head.get("disruptive"):
            yield "disruptive", f"true, for it disturbs ({action_of(step)})", "not true", "add disruptive = true"
        if isinstance(step, JumpClock) and not clocks:
            yield key, "a replica with a clock of its own", "none", "add clocks = [0] to its boot"
        if getattr(step, "for_s", 0.0) is None and getattr(step, "beside", False):
            yield key, "for_s, the seconds after which it is over", "beside alone", "add for_s, or remove beside"
        if isinstance(step, Restore) and step.dependency not in disturbed and None not in steps:
            yield key, "a dependency that an earlier step disturbs", repr(step.dependency), "remove it"
        if isinstance(step, StopReading):
            unread.add(step.on)
        elif isinstance(step, ReadOn) and step.on not in unread and None not in steps:
            yield key, "a connection that an earlier step does not read", repr(step.on), "remove it"
        if isinstance(step, DisturbsDependency | Cut):
            lasting = getattr(step, "for_s", None) is None
            (disturbed.add if lasting else disturbed.discard)(step.dependency)
        elif isinstance(step, Restore):
            disturbed.discard(step.dependency)


def _of_what_is_lost_in_turn(steps: Sequence[Step | None]) -> Iterator[Problem]:
    """A scenario is one for each request, or each answer, that is lost; of two such steps it would be the product."""
    in_turn = [
        (f"steps[{index}].nth", step.nth)
        for index, step in enumerate(steps)
        if isinstance(step, BreakAnswer | BreakRequest) and isinstance(step.nth, tuple)
    ]
    for key, (first, last) in in_turn:
        if not first <= last < first + MOST_REPEATED:
            expected = f"the first and the last of at most {MOST_REPEATED}"
            yield key, expected, f"[{first}, {last}]", "say the smaller first"
    for key, nth in in_turn[1:]:
        yield key, "one step of a scenario with two numbers", str([*nth]), "make a scenario of its own of it"


def _of_starts(apart_s: float, replicas: object) -> Iterator[Problem]:
    if not 0 <= apart_s <= _LONGEST_APART_S:
        yield "boot.apart_s", f"seconds, {_LONGEST_APART_S:g} at most", f"{apart_s:g}", "wait less"
    elif apart_s and replicas == 1:
        yield "boot.apart_s", "a scenario that needs several replicas", "one", "say replicas = 2, or leave it out"


def _of_clocks(clocks: Sequence[float], replicas: object) -> Iterator[Problem]:
    if isinstance(replicas, int) and len(clocks) > replicas:
        got = f"{len(clocks)} of them for {replicas} replicas"
        yield "boot.clocks", "no more clocks than replicas", got, f"say replicas = {len(clocks)}, or leave them out"
    for by_s in clocks:
        if not math.isfinite(by_s) or abs(by_s) > _FURTHEST_S:
            expected = f"seconds, {_FURTHEST_S:.0f} (ten years) at most"
            yield "boot.clocks", expected, f"{by_s:g}", "a clock that wrong is another defect"
