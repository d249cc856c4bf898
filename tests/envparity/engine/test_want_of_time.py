"""What came to a deadline is told from what did not."""

from __future__ import annotations

import pytest

from envparity.engine.want_of_time import for_want_of_time
from envparity.model.case import Boot, Case
from envparity.observe.record import HttpAnswer, Observation, Replica, StartupFailure, StartupReport
from envparity.observe.transcript import Departure, DepartureKind, Transcript
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


@pytest.mark.parametrize(
    "seen",
    [
        Observation(CASE, "process", "0", launch_failure="waited 60 s for postgres to answer"),
        Observation(CASE, "process", "0", (Replica(0, undecided_after_s=30.1),)),
        Observation(CASE, "process", "0", (_passed(503),)),
        Observation(IDLE, "process", "0", (_passed(503),)),
        Observation(CASE, "process", "0", transcripts=(_departed("timeout"),)),
        Observation(CASE, "process", "0", transcripts=(_departed("control"),)),
        Observation(DOWN, "process", "0", (_failed("redis"),)),
        Observation(CASE, "process", "0", (_failed("redis"),), stalls=Stalls(10, 6, 0.1)),
    ],
)
def test_a_deadline_had_a_part_in_it(seen: Observation) -> None:
    """Each of these may be the machine's doing."""
    assert len(for_want_of_time(seen)) == 1


@pytest.mark.parametrize(
    "seen",
    [
        Observation(CASE, "process", "0", (_passed(200),)),
        Observation(CASE, "process", "0", (_failed("redis"),)),
        Observation(CASE, "process", "0", (_failed("redis"),), stalls=Stalls(10, 4, 0.1)),
        Observation(DOWN, "process", "0", (_failed("postgres"),), stalls=Stalls(10, 6, 0.1)),
        Observation(DOWN, "process", "0", (_failed("postgres"),)),
        Observation(DOWN, "process", "0", (_passed(503),)),
        Observation(CASE, "process", "0", transcripts=(_departed("frame"),)),
        Observation(CASE, "process", "0", (Replica(0, exit_code=1),)),
    ],
)
def test_what_ended_by_itself_is_believed_at_once(seen: Observation) -> None:
    """A wrong frame, a refusal, an exit: the machine did not say it."""
    assert for_want_of_time(seen) == ()
