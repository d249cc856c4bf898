"""What failed because something took too long: it may be the machine, so it is shown alone before it is believed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from envparity.errors import TooBusy
from envparity.model.case import Case
from envparity.observe.plays import is_broken
from envparity.observe.record import Observation, Replica
from envparity.observe.transcript import ConnectionClosed, HandshakeAnswered, HttpAnswered, Transcript
from envparity.support.stalls import STALLS

__all__ = [
    "MOST_LATE_ALONE",
    "BootAttempt",
    "Doubt",
    "LateBoots",
    "TellWhy",
    "ends_alike",
    "for_want_of_time",
    "late_for_want_of_time",
    "with_stalls",
]

TellWhy = Callable[[str], None]

MOST_LATE_ALONE = 3
"""After so many boots that came to a deadline alone as well, what comes to one is believed at once."""

_GATEWAY_TIMEOUT = 504  # RFC 9110 §15.6.5
_WITHOUT_A_CLOSE = 1006  # RFC 6455 §7.1.5

STALLED_SHARE = 0.5
"""A share of stalled time beyond which a backend's own deadlines pass for want of a processor as well."""
CALM_SHARE = 0.3
"""A share up to which no deadline passes for want of a processor: they leave more than that to spare."""
_CALM_LAG_S = 0.25


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
    return for_want_of_time(seen) if _is_on_a_stalled_machine(seen) else ()


def ends_alike(seen: Observation, alone: Observation) -> bool:
    """Whether something of that boot ended alone as well, in the same words, however calm the machine was by then."""
    return bool({*for_want_of_time(seen)} & {*for_want_of_time(msgspec.structs.replace(alone, stalls=seen.stalls))})


class BootAttempt(Protocol):
    """A boot, and what is seen of it."""

    async def __call__(self, *, again: bool) -> Observation:
        """Boot and observe; `again` where it was done before."""


class Doubt:
    """Whether a boot is made again, whatever else it may show: then it need not be played to its end."""

    def __init__(self, late: LateBoots) -> None:
        self._late = late
        self.is_settled = False

    def settles(self, played: Iterable[Transcript]) -> bool:
        """Whether it is, for something of what was played came to a deadline. Who says so keeps to it."""
        self.is_settled = self._late.doubts_each and any(map(_came_to_a_deadline, played))
        return self.is_settled


class LateBoots:
    """Boots of which those that came to a deadline are made again with nothing beside them: that is what counts.

    Of boots beside others that stand (hybrids, orders) only those are doubted that were late on a stalled machine: what
    they show is held against others. With `every` each deadline is doubted, and where the machine was too busy even for
    the boot that was alone, nobody judges it: what they show is the verdict.
    After `MOST_LATE_ALONE` that were late alone as well, it is not for want of time, and the first is believed; of
    these `late_alone` are known already.
    """

    def __init__(self, *, every: bool = False, late_alone: int = 0) -> None:
        self._every = every
        self._late_alone = late_alone
        self._in_doubt: dict[Case, tuple[str, ...]] = {}

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """What was to be booted alone before it is believed and was not to its end, in words."""
        return tuple(
            f"{case}: {'; '.join(reasons)} (its boot alone was broken off: not confirmed)"
            for case, reasons in self._in_doubt.items()
        )

    @property
    def doubts_each(self) -> bool:
        """Whether each boot that comes to a deadline now is made again."""
        return self._every and self._late_alone < MOST_LATE_ALONE

    async def believed(
        self,
        boot: BootAttempt,
        place: AbstractAsyncContextManager[object],
        alone: AbstractAsyncContextManager[object],
        *,
        doubted: TellWhy = lambda _why: None,
        doubt: Doubt | None = None,
        known: Observation | None = None,
    ) -> tuple[Observation, tuple[str, ...]]:
        """What that boot shows in `place`, or else `alone`; and in words what came to a deadline beside others only.

        Where each deadline is doubted and the machine was calm, what came to one is among the plays of the boot alone.
        A startup that failed is tried alone twice there before that is called the machine's doing.
        `doubted` is told why it is made again, each time; where a `doubt` has settled that in the middle, it always is.
        What ended as what is `known` of an equal boot is believed. Raises `TooBusy` where each deadline is doubted.
        """
        async with place:
            seen = await with_stalls(lambda: boot(again=False))
        reasons = for_want_of_time(seen) if self._every else late_for_want_of_time(seen)
        if reasons and known is not None and ends_alike(seen, known):
            return seen, ()
        settled = doubt is not None and doubt.is_settled
        if not settled and (not reasons or self._late_alone >= MOST_LATE_ALONE):
            return seen, ()
        async with alone:
            if not settled and self._late_alone >= MOST_LATE_ALONE:  # by those who were alone before
                return seen, ()
            doubted(reasons[0])
            self._in_doubt[seen.case] = reasons
            again = await self._alone(boot)
            if self._every and _startup_failed(seen) and not (_startup_failed(again) or for_want_of_time(again)):
                doubted(reasons[0])  # a race of moments is won once by luck
                again = await self._alone(boot)
            del self._in_doubt[seen.case]
        late = for_want_of_time(again)
        if late and again.stalls is not None and again.stalls.too_great:
            raise TooBusy(f"{again.case}: {late[0]}, but the machine is too busy to judge that: {again.stalls}")
        if late or ends_alike(seen, again):
            self._late_alone += 1
            return again, ()
        return (
            _with_late_plays(again, seen, reasons) if self._every and _is_on_a_calm_machine(seen) else (again, reasons)
        )

    async def _alone(self, boot: BootAttempt) -> Observation:
        return await (with_stalls(lambda: boot(again=True)) if self._every else boot(again=True))


def _startup_failed(seen: Observation) -> bool:
    return any(replica.startup is not None and replica.startup.status == "fail" for replica in seen.replicas)


def _with_late_plays(
    again: Observation, seen: Observation, reasons: tuple[str, ...]
) -> tuple[Observation, tuple[str, ...]]:
    """The boot alone, with those plays of the one before that came to a deadline; and the reasons that are left.

    The machine was calm, so it was not late: chance is what lets a scenario pass here and not there, and it is counted.
    """
    late = tuple(script for script in (*seen.transcripts, *seen.control) if _came_to_a_deadline(script))
    left = tuple(why for why in reasons if why not in {_told(script, "came to a deadline") for script in late})
    return msgspec.structs.replace(again, control=(*again.control, *late)), left


def _told(script: Transcript, ended: str) -> str:
    return f"scenario {script.scenario} {ended}"


def _reasons(seen: Observation) -> Iterator[str]:
    if seen.launch_failure is not None:
        yield "it could not be stood up"
    yield from _reasons_at_the_end(seen)
    stalled = _is_on_a_stalled_machine(seen)
    down = {*seen.case.boot.withheld, *seen.case.boot.unreachable_at_start}
    for replica in seen.replicas:
        if replica.undecided_after_s is not None:
            yield f"the startup of replica {replica.index + 1} was undecided"
        elif not down and _passed_unready(replica):
            yield f"replica {replica.index + 1} was not ready"
        failures = () if replica.startup is None else replica.startup.failures
        for failure in failures:
            if down and failure.component not in down:
                yield f"the startup of replica {replica.index + 1} failed for {failure.component}, which was not down"
            elif not down and stalled:
                yield f"the startup of replica {replica.index + 1} failed for {failure.component} on a stalled machine"
    for transcript in (*seen.transcripts, *seen.turned, *(play.transcript for play in seen.dialects)):
        if ended := _ended_for_want_of_time(transcript, seen):
            yield _told(transcript, ended)
    late: dict[str, set[bool]] = {}
    for script in (play.transcript for play in seen.second):
        doubtful = script.departure is not None if stalled else _came_to_a_deadline(script)
        late.setdefault(script.scenario, set()).add(doubtful)
    said = "was otherwise, once, on a stalled machine" if stalled else "came to a deadline"
    yield from (f"the second time of scenario {name} {said}" for name, several in late.items() if len(several) > 1)


def _reasons_at_the_end(seen: Observation) -> Iterator[str]:
    if seen.start_stop is not None and seen.start_stop.was_killed:
        yield "a replica that was starting did not stop in time"
    if seen.kill is not None and not seen.kill.back and seen.kill.exit_code is None:
        yield "a replica that was killed was not ready again in time"


def _ended_for_want_of_time(script: Transcript, seen: Observation) -> str:
    """How that play of this boot ended, where time may have had a part in it; else nothing."""
    if _came_to_a_deadline(script):
        return "came to a deadline"
    if _is_on_a_stalled_machine(seen) and _was_cut_off(script):
        return "was cut off on a stalled machine"
    # Who drives the other side was late himself: a backend may well have come to a deadline of its own.
    too_great = seen.stalls is not None and seen.stalls.too_great
    return "was otherwise on a machine on which nobody can judge it" if too_great and is_broken(script) else ""


def _is_on_a_stalled_machine(seen: Observation) -> bool:
    """Whether the machine was stalled meanwhile for more than `STALLED_SHARE` of the time; not measured is not."""
    return seen.stalls is not None and seen.stalls.share > STALLED_SHARE


def _is_on_a_calm_machine(seen: Observation) -> bool:
    """Whether next to nothing of the time was stalled, so that no deadline passed for want of it."""
    stalls = seen.stalls
    return stalls is not None and stalls.share <= CALM_SHARE and stalls.longest_lag_s <= _CALM_LAG_S


def _came_to_a_deadline(script: Transcript) -> bool:
    """Whether it was left at a deadline: the harness's own, or that of the ingress, which says so with a 504."""
    departure = script.departure
    if departure is None or departure.kind in {"timeout", "control"}:
        return departure is not None
    answers = [event for event in script.events if isinstance(event, HandshakeAnswered | HttpAnswered)]
    here = [event for event in answers if event.connection == departure.connection] or answers
    late = bool(here) and (here[-1].status, here[-1].answered_by) == (_GATEWAY_TIMEOUT, "ingress")
    return departure.kind in {"handshake", "http"} and late


def _was_cut_off(script: Transcript) -> bool:
    """Whether a connection ended without a close frame, as by an ingress for which nothing came in time."""
    departure = script.departure
    if departure is None or departure.kind not in {"close", "silence"}:
        return False
    closed = [event for event in script.events if isinstance(event, ConnectionClosed)]
    return any(event.code == _WITHOUT_A_CLOSE and event.by == "server" for event in closed)


def _passed_unready(replica: Replica) -> bool:
    """Whether its startup has passed and its readiness said no, or nothing, when it was asked."""
    passed = replica.startup is not None and replica.startup.status == "pass"
    return passed and replica.ready is not None and replica.ready.status in {0, 503}
