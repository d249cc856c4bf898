"""What failed because something took too long: it may be the machine, so it is shown alone before it is believed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import msgspec

from envparity.observe.record import Observation, Replica
from envparity.support.stalls import STALLS

__all__ = ["MOST_LATE_ALONE", "LateBoots", "for_want_of_time", "late_for_want_of_time", "with_stalls"]

MOST_LATE_ALONE = 3
"""After so many boots that came to a deadline alone as well, what comes to one is believed at once."""

STALLED_SHARE = 0.5
"""A share of stalled time beyond which a backend's own deadlines pass for want of a processor as well."""


async def with_stalls(boot: Callable[[], Awaitable[Observation]]) -> Observation:
    """What that boot shows, with how much the machine was stalled meanwhile."""
    mark = STALLS.mark()
    seen = await boot()
    return msgspec.structs.replace(seen, stalls=STALLS.since(mark))


def for_want_of_time(seen: Observation) -> tuple[str, ...]:
    """In words, each thing in it that ended at a deadline; nothing where time had no part in it."""
    return tuple(_reasons(seen))


def late_for_want_of_time(seen: Observation) -> tuple[str, ...]:
    """The same where the machine was stalled meanwhile for more than `STALLED_SHARE` of the time; else nothing."""
    stalled = seen.stalls is not None and seen.stalls.share > STALLED_SHARE
    return for_want_of_time(seen) if stalled else ()


class LateBoots:
    """Boots of which those that came to a deadline on a stalled machine are made again with nothing beside them.

    After `MOST_LATE_ALONE` that were late alone as well, it is not for want of time, and the first is believed.
    """

    def __init__(self) -> None:
        self._late_alone = 0

    async def believed(
        self,
        boot: Callable[[], Awaitable[Observation]],
        place: AbstractAsyncContextManager[object],
        alone: AbstractAsyncContextManager[object],
    ) -> tuple[Observation, tuple[str, ...]]:
        """What that boot shows in `place`, or else `alone`; and in words what came to a deadline beside others only."""
        async with place:
            seen = await with_stalls(boot)
        reasons = late_for_want_of_time(seen)
        if not reasons or self._late_alone >= MOST_LATE_ALONE:
            return seen, ()
        async with alone:
            if self._late_alone >= MOST_LATE_ALONE:  # by those who were alone before
                return seen, ()
            again = await boot()
        if for_want_of_time(again):
            self._late_alone += 1
            return again, ()
        return again, reasons


def _reasons(seen: Observation) -> Iterator[str]:
    if seen.launch_failure is not None:
        yield "it could not be stood up"
    down = {*seen.case.boot.down, *seen.case.boot.unreachable_at_start}
    for replica in seen.replicas:
        if replica.undecided_after_s is not None:
            yield f"the startup of replica {replica.index + 1} was undecided"
        elif not down and _passed_unready(replica):
            yield f"replica {replica.index + 1} was not ready"
        failures = () if replica.startup is None else replica.startup.failures
        for one in failures:
            if down and one.component not in down:
                yield f"the startup of replica {replica.index + 1} failed for {one.component}, which was not down"
            elif not down and seen.stalls is not None and seen.stalls.share > STALLED_SHARE:
                yield f"the startup of replica {replica.index + 1} failed for {one.component} on a stalled machine"
    for transcript in seen.transcripts:
        if transcript.departure is not None and transcript.departure.kind in {"timeout", "control"}:
            yield f"scenario {transcript.scenario} came to a deadline"


def _passed_unready(replica: Replica) -> bool:
    """Whether its startup has passed and its readiness said no, or nothing, when it was asked."""
    passed = replica.startup is not None and replica.startup.status == "pass"
    return passed and replica.ready is not None and replica.ready.status in {0, 503}
