"""EP331 to EP333, EP406, and EP307 among many: counts, held against the scenario and between environments."""

from __future__ import annotations

from msgspec.structs import replace

from envparity.judge import judge
from envparity.judge.evidence import ReplicasReached
from envparity.judge.finding import Finding
from envparity.observe.beside import AtOnce
from envparity.observe.clients import as_one
from envparity.observe.frame import JsonFrame
from envparity.observe.transcript import (
    Clients,
    Crossed,
    DeadlinePassed,
    Departure,
    FrameReceived,
    FrameSent,
    Transcript,
)
from tests.envparity.judge.builders import BACKEND, allows, handshake, observation, project, received, sent, timed_out

ALL = Clients(of=50, served=50, least=50)
SOME = Clients(of=50, served=40, least=50, otherwise={"close 1013": 10})
FULL = Departure(1, "close", "welcome", "close 1013 'full'", "a")


def played(clients: Clients | None, departure: Departure | None = None) -> Transcript:
    """A scenario of fifty clients."""
    return Transcript("many", "load", (handshake(),), departure, clients=clients)


def found(*observed: tuple[str, Transcript], control: tuple[Transcript, ...] = ()) -> list[Finding]:
    """What is found in these environments."""
    seen = [observation(name, transcripts=(transcript,), control=control) for name, transcript in observed]
    return list(judge(project(), seen).findings)


def test_fewer_than_asked_for_is_one_finding_by_what_most_of_the_others_met() -> None:
    """And no other rule tells of the client that is shown."""
    (finding,) = found(("local", played(ALL)), ("staging", played(SOME, FULL)))
    assert (finding.code, finding.where, finding.environments, finding.nature) == (
        "EP331",
        "many",
        ("staging",),
        "close 1013",
    )


def test_all_of_them_is_none() -> None:
    assert found(("local", played(ALL)), ("staging", played(ALL))) == []


def test_enough_and_yet_fewer_than_elsewhere_is_a_difference() -> None:
    """Unless a second play in the same boot says that it is chance, or it is declared."""
    least = {"least": 30}
    local, staging = (played(replace(clients, **least)) for clients in (ALL, SOME))
    (finding,) = found(("local", local), ("staging", staging))
    assert (finding.code, finding.environments, finding.paths) == (
        "EP406",
        ("staging",),
        ("conversation.many.clients.served",),
    )
    assert found(("local", local), ("staging", staging), control=(played(replace(SOME, served=45, **least)),)) == []
    seen = [observation("local", transcripts=(local,)), observation("staging", transcripts=(staging,))]
    judged = judge(project(allows("local"), allows("staging", "conversation.many.clients.*")), seen)
    assert judged.findings == ()


def test_where_the_clients_were_on_several_replicas_the_difference_says_so() -> None:
    """Each may have seats of its own: a search asks for the number of replicas first."""
    alone, spread = (
        played(replace(clients, least=30, accepted=accepted)) for clients, accepted in ((SOME, (40,)), (ALL, (26, 24)))
    )
    (finding,) = found(("local", alone), ("staging", spread))
    reached = [piece for piece in finding.evidence if isinstance(piece, ReplicasReached)]
    assert reached == [ReplicasReached((("26 clients", 0), ("24 clients", 1)))]


def test_a_frame_of_another_client_is_a_leak_unless_everybody_may_see_it() -> None:
    crossed = Crossed(1, 19, "<uuid:q>", received({"type": "answer", "id": "x"}))
    mixed = played(replace(ALL, crossed=(crossed,)))
    (finding,) = found(("local", mixed))
    assert (finding.code, finding.where, finding.nature) == ("EP307", "many", "another client")
    public = replace(BACKEND, public_frames=("answer",))
    judged = judge(project("local", backend=public), [observation("local", transcripts=(mixed,))])
    assert judged.findings == ()


def test_a_frame_of_another_client_that_no_step_reads_is_a_leak_too() -> None:
    mine, others = ("3c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c003", "4c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c004")
    plays = [replace(played(None), names={value: "<uuid:q>"}) for value in (mine, others)]
    crossed = replace(plays[1], skipped=(received({"type": "presence", "text": f"said {mine}"}),))
    (finding,) = found(("local", as_one((plays[0], crossed), None)))
    assert (finding.code, finding.nature) == ("EP307", "another client")
    own = replace(plays[1], skipped=(received({"type": "presence", "text": f"said {others}"}),))
    assert found(("local", as_one((plays[0], own), None))) == []


def test_who_waits_beside_a_flood_is_told_apart_from_who_waits() -> None:
    """The one that floods may wait, as with every limit."""
    flood = sent({"type": "noise"}, "noisy", count=100)
    silent = Departure(3, "timeout", "message: answer within 1 s", "nothing", "quiet")
    events = (handshake(), flood, timed_out("answer", 1.0, "quiet"))
    starved = Transcript("fair", "load", events, silent)
    assert [finding.code for finding in found(("local", starved))] == ["EP332"]
    own = replace(starved, departure=replace(silent, connection="noisy"))
    assert [finding.code for finding in found(("local", own))] == ["EP306"]
    alone = replace(starved, events=(handshake(), timed_out("answer", 1.0, "quiet")))
    assert [finding.code for finding in found(("local", alone))] == ["EP306"]


def at(*moments_s: float, waits_until_s: float | None = None) -> Transcript:
    """One client who asks at once, and hears something at these moments; or waits for more in vain."""
    asked = [FrameSent(0.0, "a", "message", frame=JsonFrame({"type": "ask"}, "ask"))]
    heard = [FrameReceived(at_s, "a", "message", frame=JsonFrame({"type": "said"}, "said")) for at_s in moments_s]
    late = [DeadlinePassed(waits_until_s, "a", "message", "said", 5.0)] if waits_until_s is not None else []
    end = Departure(1, "timeout", "message: said", "nothing", "a") if late else None
    return Transcript("chat", "g", (*asked, *heard, *late), end, duration_s=max((*moments_s, waits_until_s or 0.0)))


def stood(*together: Transcript, alone: Transcript | None = None, times: int = 2) -> list[str]:
    """The codes that are found where clients who asked at once fared so, and one alone so."""
    usual, crowd = alone or at(0.1, 0.2), as_one(together, None)
    seen = observation("local", transcripts=(at(0.1),), at_once=(AtOnce(usual, crowd),) * times)
    return [finding.code for finding in judge(project(), [seen]).findings]


DEAD = (at(waits_until_s=5.0),) * 6


def test_many_to_whom_nothing_comes_for_longer_than_one_after_the_other_would_take() -> None:
    """Whether nobody is served, or a few who came before the others."""
    assert stood(*DEAD) == stood(at(0.1, 0.2), *DEAD) == ["EP333"]


def test_where_something_comes_all_the_time_it_is_load() -> None:
    """One is served after the other, too slowly for the last."""
    assert stood(*(at(float(second)) for second in range(1, 5)), at(waits_until_s=5.0)) == []


def test_what_takes_as_long_alone_as_all_that_wait_is_no_standstill() -> None:
    assert stood(*DEAD, alone=at(1.0, 2.0)) == []


def test_a_standstill_that_shows_once_or_for_one_alone_too_is_none() -> None:
    assert stood(*DEAD, times=1) == []
    assert stood(*DEAD, alone=at(waits_until_s=5.0)) == []


def test_who_is_refused_at_once_is_no_standstill() -> None:
    refused = Transcript("chat", "g", at(0.1).events, FULL, duration_s=0.1)
    assert stood(*((refused,) * 6)) == []
