"""Whether a replica ends that is told to stop while it starts: it waits for a dependency that says nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from envparity.engine.observer import Observer
from envparity.judge.startup_facts import says_started
from envparity.launch.controls import Disturbable, LookedAt, ReplicaControls, network_controls
from envparity.launch.port import Stack
from envparity.model.environment import Environment
from envparity.observe.record import Observation
from envparity.observe.stopping import StartStopSeen
from envparity.support.stalls import Deadline

__all__ = ["observe_start_stop"]

_STOPPED = 0
"""The replica that is stopped: whatever the others do, it ends by itself or does not."""

_EVERY_S = 0.02
_NONE_AFTER_S = 1.0
_LOOKED_AT_EVERY_S = 0.2
_BACK_AFTER = 0.5  # of the grace period: who ends at once is done by then, and who goes on has time to say so
_LOG_LINES = 20


class _Starts(ReplicaControls, Disturbable, Stack, Protocol):
    """A stack whose replicas can be stopped, and seen to wait for a dependency."""


async def observe_start_stop(observer: Observer, stack: Stack, environment: Environment) -> Observation:
    """Tell a replica to stop once it waits for one of the dependencies that its boot has fall silent.

    Without `start_stop` where it waited for none of them: it ended before, starts without, or nobody can tell.
    Raises `DeadlineExceeded` and `LaunchError` as `ReplicaControls.stop_replica` does.
    """
    began = time.monotonic()
    stop = None
    if isinstance(stack, ReplicaControls) and isinstance(stack, Disturbable) and not isinstance(stack, LookedAt):
        waited_for = await _waited_for(stack, environment, observer.backend.phases.boot_s)
        boot_s = round(time.monotonic() - began, 3)
        if waited_for:
            stop = await _stopped(stack, waited_for, environment.platform.stop_grace_s)
    else:
        boot_s = 0.0
    timings = {"boot": boot_s, "stop": 0.0 if stop is None else stop.seconds}
    return observer.stopped(stack, stop, timings)


async def _waited_for(stack: _Starts, environment: Environment, boot_s: float) -> str:
    """The dependency to which the replica has connected first; "" where it has started or ended without any."""
    alone = stack.replica_count == 1 and not environment.processes
    deadline, look = Deadline(boot_s), Deadline(_NONE_AFTER_S)
    while not deadline.passed:
        tried = [
            (attempt.at_s, name)
            for name in stack.case.boot.silent_start
            for outage in stack.outages(name)[-1:]
            for attempt in outage.attempts
            if attempt.replica == _STOPPED or (alone and attempt.replica is None)
        ]
        if tried:
            return min(tried)[1]
        if look.passed:
            look, seen = Deadline(_NONE_AFTER_S), await stack.observe_replica(_STOPPED)
            if seen.exit_code is not None or says_started(seen):
                break
        await asyncio.sleep(_EVERY_S)
    return ""


async def _stopped(stack: _Starts, waited_for: str, grace_s: float) -> StartStopSeen | None:
    before = await stack.observe_replica(_STOPPED)
    if before.exit_code is not None:
        return None
    mark = await stack.log_mark()
    said: dict[str, None] = {}
    back_after_s: float | None = None
    began = time.monotonic()
    stopping = asyncio.ensure_future(stack.stop_replica(_STOPPED))
    try:
        while not (await asyncio.wait({stopping}, timeout=_LOOKED_AT_EVERY_S))[0]:
            if back_after_s is None and time.monotonic() - began >= grace_s * _BACK_AFTER:
                for name in stack.case.boot.silent_start:
                    await network_controls(stack).restore_dependency(name)
                back_after_s = round(time.monotonic() - began, 3)
            said |= dict.fromkeys(says_started(await stack.observe_replica(_STOPPED)))
        await stopping
    finally:
        stopping.cancel()
    seconds = round(time.monotonic() - began, 3)
    last = await stack.observe_replica(_STOPPED)
    said |= dict.fromkeys(says_started(last))  # of one that has ended its log alone can say so
    log = (await stack.logged_between(mark))[_STOPPED]
    return StartStopSeen(
        replica=_STOPPED,
        waited_for=waited_for,
        seconds=seconds,
        exit_code=last.exit_code,
        back_after_s=back_after_s,
        said=tuple(words for words in said if words not in says_started(before)),
        log=log[-_LOG_LINES:],
    )
