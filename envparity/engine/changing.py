"""Observing a boot that changes the release: what the previous one did, and what holds when it has been changed."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from envparity.engine.observer import Observer
from envparity.engine.plan import PlannedCase
from envparity.launch.controls import ReplacesRelease
from envparity.launch.port import Launcher, Stack
from envparity.observe.plays import in_order_of_interest
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript

__all__ = ["NOT_CHANGED", "observe_change", "without_changes"]

NOT_CHANGED = "changes of the release: the previous one is run as processes only"


def without_changes(
    cases: Sequence[PlannedCase], launcher: Launcher
) -> tuple[tuple[PlannedCase, ...], tuple[str, ...]]:
    """The cases that this launcher can boot, and in words what is not checked because it cannot change a release."""
    if launcher.name == "process":
        return tuple(cases), ()
    left = tuple(case for case in cases if not case.case.boot.release)
    return left, (NOT_CHANGED,) if len(left) < len(cases) else ()


async def observe_change(
    observer: Observer, planned: PlannedCase, stack: Stack, began: float, *, told: bool
) -> Observation:
    """Let clients of the previous release talk, change it, and let them talk to every replica again.

    Of each scenario that play is judged that left its script, if one did. A previous release that does not start is
    no finding about this one: then nothing can be said.
    """
    await stack.until_decided()
    if not isinstance(stack, ReplacesRelease):
        return observer.nothing(planned.case, "this launcher cannot change the release")
    old = await observer.replicas(stack)
    if any(replica.exit_code is not None or (replica.startup and replica.startup.status != "pass") for replica in old):
        return observer.nothing(planned.case, "the previous release does not start, so nothing can be changed from it")
    before = await observer.player.peaceful(stack, planned.scenarios, again=True)
    await stack.change_release()
    booted = time.monotonic()
    first = await observer.replicas(stack)
    played: tuple[Transcript, ...] = await observer.player.peaceful(stack, planned.scenarios, again=not told)
    more: tuple[Transcript, ...] = ()
    for _ in range(2 * stack.replica_count - 1):  # an ingress takes turns: so every replica is asked
        more += await observer.player.peaceful(stack, planned.scenarios, again=True)
    judged, _ = in_order_of_interest(played, more)
    timings = {"boot": round(booted - began, 3), "scenarios": round(time.monotonic() - booted, 3)}
    observation = await observer.record(stack, first, judged, timings)
    return msgspec.structs.replace(observation, before=tuple(map(stack.redaction.struct, before)))
