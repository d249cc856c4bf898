"""What holds again after a disturbance, and how a backend comes back to what was away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from envparity.judge import judge
from envparity.judge.retrying import figures, in_step
from envparity.model.backend import Retries
from envparity.observe.disturbed import ConnectionAttempt, Disturbed, OutageSeen
from envparity.observe.transcript import DeadlinePassed, Departure, Transcript
from envparity.support.stalls import Stalls
from tests.envparity.judge.builders import BACKEND, observation, project

DOUBLING = (0.0, 0.1, 0.3, 0.7, 1.5, 3.1)


def outage(*moments: float, replica: int | None = 0, lasted_s: float = 4.0, **more: Any) -> OutageSeen:
    more = {"connected_s": 0.1, "watched_s": 5.0, **more}
    return OutageSeen(lasted_s, tuple(ConnectionAttempt(at_s, replica) for at_s in moments), **more)


def played(
    seen: OutageSeen | None,
    *,
    action: str = "hang_up",
    readiness: Sequence[int | None] = (200,),
    departure: Departure | None = None,
    ended_s: float = 5.0,
) -> Transcript:
    """A conversation in which Redis was disturbed from its first second on, and which went on until its tenth."""
    waited = DeadlinePassed(10.0, "a", "message", "agent_started", 5.0)
    disturbed = (Disturbed(action, "redis", 1.0, ended_s, seen),)
    return Transcript("redis_away", "lifecycle", (waited,), departure, disturbed=disturbed, readiness=tuple(readiness))


SILENT = Departure(3, "timeout", "message: agent_started within 5 s", "nothing", "a")
TOLD = Departure(3, "frame", "agent_started", '{"type": "error"}', "a")


def found(transcript: Transcript, **retries: float) -> list[str]:
    """The codes of this family in the environment that played it."""
    backend = msgspec.structs.replace(BACKEND, retries=Retries(**retries))
    judged = judge(project("local", backend=backend), [observation("local", transcripts=(transcript,))])
    return [finding.code for finding in judged.findings if finding.code.startswith("EP51")]


@pytest.mark.parametrize(
    ("moments", "code"),
    [
        ([at / 500 for at in range(2000)], ["EP512"]),
        ([at / 10 for at in range(40)], ["EP513"]),
        (DOUBLING, []),
        ([at / 4 for at in range(16)], []),
        ([0.0, 0.001, 0.002, *([0.01] * 60)], []),
        ([], []),
    ],
)
def test_a_storm_and_what_does_not_become_less_are_told_from_good_manners(
    moments: Sequence[float], code: list[str]
) -> None:
    """Pauses that double, one of a quarter of a second, and a pool that breaks in the first moment are good manners."""
    assert found(played(outage(*moments))) == code


def test_an_attempt_that_is_made_twice_at_once_is_one() -> None:
    """A library that tries once more where its connection was reset: three times, however long a busy machine took."""
    twice = [at_s for begun_s in (1.3, 1.8, 2.3) for at_s in (begun_s, begun_s + 0.001)]
    assert found(played(outage(*twice, lasted_s=2.4))) == []
    assert found(played(outage(*(at_s for at in range(40) for at_s in (at / 10, at / 10 + 0.001))))) == ["EP513"]


def test_what_is_asked_for_in_one_moment_is_no_rhythm() -> None:
    """Leases of two connections are renewed beside a subscription that comes back; a rhythm of a fifth goes on."""
    renewed = outage(0.1, 0.3, 0.7, 1.1, 1.2, 1.3, 1.35, 1.4, 1.7, lasted_s=2.0)
    assert found(played(renewed)) == []
    assert found(played(outage(*(at / 5 for at in range(11)), lasted_s=2.2))) == ["EP513"]


def test_the_figures_are_those_of_the_backends_file() -> None:
    """A backend that may do more is not told that it does."""
    often = played(outage(*(at / 10 for at in range(40))))
    assert found(often, steady_per_s=20) == []
    assert found(often, steady_per_s=20, storm_per_s=5) == ["EP512"]


@pytest.mark.parametrize(
    ("per_s", "stalled_s", "told"),
    [
        (20, 0.0, [("EP512", ("local", "staging"))]),  # with TLS each attempt takes longer
        (6, 0.0, [("EP512", ("local",)), ("EP513", ("staging",))]),
        (20, 2.0, [("EP512", ("local", "staging"))]),
    ],
)
def test_a_storm_that_is_slower_elsewhere_is_a_storm_there_too(
    per_s: int, stalled_s: float, told: list[tuple[str, tuple[str, ...]]]
) -> None:
    """How often who does not pause tries in a second, the processor says: that is no difference of environments."""
    quick = played(outage(*(at / 100 for at in range(400))))
    slow = played(outage(*(at / per_s for at in range(4 * per_s))))
    stalls = Stalls(4.0, stalled_s, 0.0)
    seen = [observation("local", transcripts=(quick,)), observation("staging", transcripts=(slow,), stalls=stalls)]
    findings = judge(project("local", "staging"), seen).findings
    assert sorted((each.code, each.environments) for each in findings if each.code.startswith("EP51")) == told


@pytest.mark.parametrize(("stalled_s", "code"), [(0.0, "EP513"), (2.4, "EP512")])
def test_a_storm_is_one_of_the_time_that_was_granted(stalled_s: float, code: str) -> None:
    """Thirty attempts in a second of which two fifths were granted."""
    tried = played(outage(*(at / 30 for at in range(120))))
    seen = observation("local", transcripts=(tried,), stalls=Stalls(4.0, stalled_s, 0.0))
    assert [each.code for each in judge(project("local"), [seen]).findings if each.code.startswith("EP51")] == [code]


def test_a_pool_that_breaks_is_no_storm_however_busy_the_machine() -> None:
    """Thirty connections that try once more, each later than before: on a machine that granted a quarter of it."""
    tried = played(outage(*(1.0 + at / 60 for at in range(30)), 3.9))
    seen = observation("local", transcripts=(tried,), stalls=Stalls(4.0, 3.2, 0.0))
    assert not any(each.code.startswith("EP51") for each in judge(project("local"), [seen]).findings)


def test_what_is_counted_and_not_listed_is_a_storm_as_well() -> None:
    """Who is that quick fills the list at once."""
    assert found(played(outage(*(at / 10_000 for at in range(2000)), more=20_000))) == ["EP512"]


def test_nobody_sees_who_is_refused() -> None:
    """But where packets may be seen: elsewhere nothing is known of attempts, and the figures say so."""
    assert found(played(outage(*(at / 10 for at in range(40))), action="refuse")) == ["EP513"]
    unseen = outage(seen=False, connected_s=None)
    assert found(played(unseen, action="refuse")) == []
    assert "nobody here may see" in figures(unseen)


@pytest.mark.parametrize(
    ("seen", "codes"),
    [
        (outage(*(1.0 + at / 500 for at in range(1000))), ["EP512"]),
        (outage(*(at / 10 for at in range(40))), ["EP513"]),
        (outage(*DOUBLING), []),
        (outage(*(at / 500 for at in range(1000)), seen=False), []),
    ],
)
def test_what_a_boot_keeps_down_is_tried_with_pauses_too(seen: OutageSeen, codes: list[str]) -> None:
    """Told of the dependency, and of no scenario."""
    judged = judge(project("local"), [observation("local", away={"redis": seen})])
    told = [finding for finding in judged.findings if finding.code.startswith("EP51")]
    assert [finding.code for finding in told] == codes
    assert all((finding.component, finding.scenario) == ("redis", None) for finding in told)


def test_replicas_that_start_in_one_moment_may_try_in_step() -> None:
    """That they begin together is the boot's doing."""
    together = tuple(ConnectionAttempt(at_s, replica) for at_s in (0.0, 0.3, 0.8, 1.5, 2.3, 3.3) for replica in (0, 1))
    judged = judge(project("local"), [observation("local", away={"redis": OutageSeen(4.0, together)})])
    assert not [finding.code for finding in judged.findings if finding.code.startswith("EP51")]


def test_who_starts_in_the_middle_of_an_outage_is_judged_from_its_first_attempt_on() -> None:
    """Pauses that grow up to half a second are no rhythm then either; one that does not pause is told."""
    pauses = (0.05, 0.08, 0.13, 0.2, 0.33, 0.5, 0.5, 0.5, 0.5, 0.5)
    growing = [4.0 + sum(pauses[:place]) for place in range(len(pauses))]
    assert found(played(outage(*growing, lasted_s=7.0))) == []
    pool = [4.0 + at / 200 for at in range(60)]
    assert found(played(outage(*pool, lasted_s=7.0))) == []
    assert found(played(outage(*(4.0 + at / 100 for at in range(300)), lasted_s=7.0)))[:1] == ["EP512"]
    assert found(played(outage(*(4.0 + at / 6 for at in range(18)), lasted_s=7.0))) == ["EP513"]


def test_a_replica_that_starts_in_the_middle_is_no_rhythm_of_the_other_one() -> None:
    """It tries often at first, when the other one tries seldom: each is judged from its own first attempt on."""
    first = (0.0, 0.4, 0.7, 1.2, 1.9, 2.6)
    later = (1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.25, 2.4, 2.55, 2.7, 2.85, 3.0)
    both = [*((at, 0) for at in first), *((at, 1) for at in later)]
    assert found(played(OutageSeen(3.1, tuple(ConnectionAttempt(*each) for each in sorted(both))))) == []
    rhythm = [*((at, 0) for at in first), *((place / 5, 1) for place in range(15))]
    seen = found(played(OutageSeen(3.1, tuple(ConnectionAttempt(*each) for each in sorted(rhythm)))))
    assert seen == ["EP513"]


def test_replicas_in_step_are_told_from_those_that_draw_their_pauses() -> None:
    """The same pauses; or pauses that differ by a fifth."""
    both = OutageSeen(
        4.0, tuple(ConnectionAttempt(at + replica / 100, replica) for at in DOUBLING for replica in (0, 1))
    )
    assert in_step(both) == (0, 1, 6)
    later = OutageSeen(
        4.0, tuple(ConnectionAttempt(at + replica * 0.3, replica) for at in DOUBLING for replica in (0, 1))
    )
    assert in_step(later) == (0, 1, 6)  # it has noticed a moment later, and meets the other one the next time
    assert found(played(both)) == ["EP514"]
    apart = OutageSeen(
        4.0, tuple(ConnectionAttempt(at * (1 + replica / 5), replica) for at in DOUBLING for replica in (0, 1))
    )
    assert in_step(apart) is None
    drawn = (0.0, 0.08, 0.22, 0.51, 1.2), (0.0, 0.09, 0.24, 0.54, 1.13)
    twice = [
        ConnectionAttempt(at + again, replica) for replica in (0, 1) for at in drawn[replica] for again in (0, 0.001)
    ]
    assert in_step(OutageSeen(2.0, tuple(twice))) is None
    few = OutageSeen(4.0, tuple(ConnectionAttempt(at, replica) for at in DOUBLING[:4] for replica in (0, 1)))
    assert in_step(few) is None


def test_ready_and_silent_is_deaf_and_explains_the_departure() -> None:
    """It is told in place of the silence; and not where readiness says so, or the client is told."""
    dead = outage(0.1)
    assert found(played(dead, action="black_hole", departure=SILENT)) == ["EP511"]
    backend = project("local")
    deaf = observation("local", transcripts=(played(dead, action="black_hole", departure=SILENT),))
    assert [finding.code for finding in judge(backend, [deaf]).findings] == ["EP511"]
    assert found(played(dead, action="black_hole", departure=SILENT, readiness=(200, 503))) == []
    assert found(played(dead, action="black_hole", departure=SILENT, readiness=())) == []
    assert found(played(dead, action="black_hole", departure=TOLD)) == []
    assert found(played(dead, action="black_hole", departure=SILENT, ended_s=11.0)) == []
    assert found(played(None, action="throttle", departure=SILENT)) == ["EP511"]


def test_who_never_tries_again_is_told_where_somebody_asks_in_vain() -> None:
    """A pool that nobody asks need not connect; and it has a while for it."""
    never = outage(0.0, 0.1, connected_s=None)
    assert found(played(never, departure=SILENT)) == ["EP515"]
    assert found(played(never, departure=TOLD)) == ["EP515"]
    assert found(played(never)) == []
    assert found(played(outage(0.0, connected_s=None, watched_s=1.0), departure=TOLD)) == []
    assert found(played(outage(0.0, connected_s=2.0), departure=TOLD)) == []
