"""What came to a deadline is told from what did not."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from msgspec.structs import replace

from envparity.engine import want_of_time
from envparity.engine.want_of_time import MOST_LATE_ALONE, Doubt, LateBoots, for_want_of_time
from envparity.model.case import Boot, Case
from envparity.observe.record import HttpAnswer, Observation, Replica, SecondPlay, StartupFailure, StartupReport
from envparity.observe.stopping import KillSeen, StartStopSeen
from envparity.observe.transcript import (
    Answerer,
    ConnectionClosed,
    Departure,
    DepartureKind,
    HandshakeAnswered,
    Transcript,
)
from envparity.support.stalls import Stalls

CASE = Case("staging", "chat")
IDLE = Case("staging", "chat", Boot(hasten=8))
DOWN = Case("staging", "chat", Boot(down=("postgres",)))


def _failed(component: str) -> Replica:
    return Replica(0, startup=StartupReport("fail", failures=(StartupFailure("E", component, "unreachable"),)))


def _passed(ready: int) -> Replica:
    return Replica(0, startup=StartupReport("pass"), ready=HttpAnswer("/ready", ready))


def _departed(kind: DepartureKind) -> Transcript:
    return Transcript("hello", "usual", departure=Departure(0, kind, "welcome", "nothing", "a"))


def _refused(status: int, by: Answerer) -> Transcript:
    """A handshake that was answered so."""
    answered = HandshakeAnswered(0.1, "a", "accept", status=status, subprotocol=None, answered_by=by)
    return replace(_departed("handshake"), events=(answered,))


def _ended(code: int) -> Transcript:
    return replace(_departed("close"), events=(ConnectionClosed(0.1, "a", "message", code=code),))


def _observed(*scripts: Transcript, stalls: Stalls | None = None) -> Observation:
    return Observation(CASE, "process", "0", transcripts=scripts, stalls=stalls)


def _twice(*scripts: Transcript, stalls: Stalls | None = None) -> Observation:
    """What users saw who came back."""
    return replace(_observed(stalls=stalls), second=tuple(map(SecondPlay, scripts)))


def _turned(script: Transcript, *second: Transcript) -> Observation:
    """How it went with the token first, and for who came back."""
    return replace(_twice(*second, stalls=BUSY), turned=(script,))


KEPT = Transcript("hello", "usual")
BUSY, CALM = Stalls(10, 6, 0.1), Stalls(10, 4, 0.1)


@pytest.mark.parametrize(
    "seen",
    [
        _observed(_refused(504, "ingress")),
        _observed(_ended(1006), stalls=BUSY),
        _twice(_departed("frame"), KEPT, stalls=BUSY),
        _twice(_departed("timeout"), KEPT),
        _turned(_departed("timeout")),
        Observation(CASE, "process", "0", launch_failure="waited 60 s for postgres to answer"),
        Observation(CASE, "process", "0", (Replica(0, undecided_after_s=30.1),)),
        Observation(CASE, "process", "0", (_passed(503),)),
        Observation(IDLE, "process", "0", (_passed(503),)),
        Observation(CASE, "process", "0", start_stop=StartStopSeen(0, "redis", 10.1, 137)),
        Observation(CASE, "process", "0", kill=KillSeen(0, back=False, starts=1)),
        Observation(CASE, "process", "0", transcripts=(_departed("timeout"),)),
        Observation(CASE, "process", "0", transcripts=(_departed("control"),)),
        Observation(DOWN, "process", "0", (_failed("redis"),)),
        _observed(_ended(1012), stalls=Stalls(100, 60, 9.6)),
        Observation(CASE, "process", "0", (_failed("redis"),), stalls=Stalls(10, 6, 0.1)),
    ],
)
def test_a_deadline_had_a_part_in_it(seen: Observation) -> None:
    """Each of these may be the machine's doing."""
    assert len(for_want_of_time(seen)) == 1


@pytest.mark.parametrize(
    "seen",
    [
        _observed(_refused(504, "replica")),
        _observed(_refused(403, "ingress"), stalls=BUSY),
        _observed(_ended(1006), stalls=CALM),
        _observed(_ended(1011), stalls=BUSY),
        _twice(_departed("frame"), KEPT, stalls=CALM),
        _twice(_departed("frame"), _departed("frame"), stalls=BUSY),
        _turned(KEPT, _departed("frame"), _departed("frame")),
        Observation(CASE, "process", "0", (_passed(200),)),
        Observation(CASE, "process", "0", (_failed("redis"),)),
        _observed(_ended(1012), stalls=Stalls(100, 60, 0.6)),
        _observed(Transcript("hello", "usual"), stalls=Stalls(100, 60, 9.6)),
        Observation(CASE, "process", "0", (_failed("redis"),), stalls=Stalls(10, 4, 0.1)),
        Observation(DOWN, "process", "0", (_failed("postgres"),), stalls=Stalls(10, 6, 0.1)),
        Observation(DOWN, "process", "0", (_failed("postgres"),)),
        Observation(DOWN, "process", "0", (_passed(503),)),
        Observation(CASE, "process", "0", transcripts=(_departed("frame"),)),
        Observation(CASE, "process", "0", (Replica(0, exit_code=1),)),
        Observation(CASE, "process", "0", start_stop=StartStopSeen(0, "redis", 0.1, 0, said=("startup says pass",))),
        Observation(CASE, "process", "0", kill=KillSeen(0, back=False, starts=3, exit_code=3)),
        Observation(CASE, "process", "0", kill=KillSeen(0, back=True, starts=1)),
    ],
)
def test_what_ended_by_itself_is_believed_at_once(seen: Observation) -> None:
    """A wrong frame, a refusal, an exit: the machine did not say it."""
    assert for_want_of_time(seen) == ()


@pytest.mark.parametrize(
    ("alone", "told"),
    [([_failed("redis")], False), ([_passed(200), _failed("redis")], False), ([_passed(200), _passed(200)], True)],
)
async def test_what_fails_alone_as_well_was_not_late(alone: list[Replica], told: bool) -> None:
    """However calm the machine is by then: only what is well alone is told as unsteady, for a race is lost by luck."""
    seen = [Observation(CASE, "process", "0", (replica,)) for replica in (_failed("redis"), *alone)]

    async def boot(*, again: bool) -> Observation:
        del again
        return seen.pop(0)

    async def stalled(_boot: Callable[[], Awaitable[Observation]]) -> Observation:
        return replace(await _boot(), stalls=BUSY)

    late, why = LateBoots(every=True), list[str]()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(want_of_time, "with_stalls", stalled)
        believed, reasons = await late.believed(
            boot, contextlib.nullcontext(), contextlib.nullcontext(), doubted=why.append
        )
    assert (believed.replicas, bool(reasons), seen) == ((alone[-1],), told, [])
    assert len(why) == len(alone)


class Booted:
    """Boots that come to a deadline, and keeps how often it was asked for one."""

    def __init__(self, late: str = "timeout") -> None:
        self._seen, self.times = _observed(_departed(cast("DepartureKind", late))), 0

    def shows(self, seen: Observation) -> None:
        """Have it show that instead."""
        self._seen = seen

    async def __call__(self, *, again: bool) -> Observation:
        assert again == bool(self.times)
        self.times += 1
        return self._seen


async def _believed(late: LateBoots, boot: Booted, **known: Any) -> None:
    await late.believed(boot, contextlib.nullcontext(), contextlib.nullcontext(), **known)


@pytest.mark.parametrize(
    ("played", "settled"), [(_departed("timeout"), True), (_departed("frame"), False), (KEPT, False)]
)
def test_what_comes_to_a_deadline_settles_that_it_is_booted_again(played: Transcript, settled: bool) -> None:
    """Before the rest of it is played, which would count for nothing."""
    doubt = Doubt(LateBoots(every=True))
    assert (doubt.settles([KEPT, played]), doubt.is_settled) == (settled, settled)


@pytest.mark.parametrize("late", [LateBoots(every=True, late_alone=MOST_LATE_ALONE), LateBoots()])
def test_nothing_is_settled_where_a_deadline_may_be_believed(late: LateBoots) -> None:
    """What is believed must have been played to its end."""
    assert not Doubt(late).settles([_departed("timeout")])


async def test_what_was_not_played_to_its_end_is_never_believed() -> None:
    """Also where others, who were late alone in the meantime, say that it is not for want of time."""
    late = LateBoots(every=True)
    doubt, cut = Doubt(late), Booted()
    assert doubt.settles([_departed("timeout")])
    for _ in range(MOST_LATE_ALONE):
        await _believed(late, Booted())
    whole = Booted()
    await _believed(late, whole)
    await _believed(late, cut, doubt=doubt)
    assert (whole.times, cut.times) == (1, 2)


@pytest.mark.parametrize(("known", "times"), [("timeout", 1), ("frame", 2)])
async def test_what_ends_as_an_equal_boot_did_alone_is_believed(known: DepartureKind, times: int) -> None:
    """However busy the machine is: that boot was seen with nothing beside it."""
    boot = Booted()
    await _believed(LateBoots(every=True), boot, known=_observed(_departed(known)))
    assert boot.times == times


@pytest.mark.parametrize(("known", "times"), [(_ended(1006), 1), (_ended(1011), 2)])
async def test_what_was_cut_off_in_an_equal_boot_of_a_calm_machine_is_believed(known: Transcript, times: int) -> None:
    """There it was no matter of time: here, where the machine is busy, it would be made again each time it is asked."""
    boot = Booted()
    boot.shows(_observed(_ended(1006), stalls=BUSY))

    async def as_it_is(_boot: Callable[[], Awaitable[Observation]]) -> Observation:
        return await _boot()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(want_of_time, "with_stalls", as_it_is)
        await _believed(LateBoots(), boot, known=_observed(known, stalls=CALM))
    assert boot.times == times


@pytest.mark.parametrize(
    ("stalls", "every", "kept"),
    [
        (Stalls(10, 2, 0.1), True, 1),
        (Stalls(10, 4, 0.1), True, 0),
        (Stalls(10, 2, 0.6), True, 0),
        (Stalls(10, 2, 0.1), False, 0),
    ],
)
async def test_a_play_that_came_to_a_deadline_on_a_calm_machine_is_kept_as_chance(
    stalls: Stalls, every: bool, kept: int
) -> None:
    """Nothing kept it waiting: that the same passes alone says that it passes at times."""
    late, passed = _departed("timeout"), Transcript("hello", "usual")
    seen = [_observed(late, stalls=stalls), _observed(passed)]

    async def boot(*, again: bool) -> Observation:
        del again
        return seen.pop(0)

    async def as_it_is(_boot: Callable[[], Awaitable[Observation]]) -> Observation:
        return await _boot()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(want_of_time, "with_stalls", as_it_is)
        boots = LateBoots(every=every)
        believed, reasons = await boots.believed(boot, contextlib.nullcontext(), contextlib.nullcontext())
    if every:
        assert (believed.transcripts, believed.control) == ((passed,), (late,) * kept)
        assert bool(reasons) is not bool(kept)
    else:
        assert believed.transcripts == (late,)
