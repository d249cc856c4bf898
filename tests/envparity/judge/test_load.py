"""EP331, EP332, EP406, and EP307 among many: counts, held against the scenario and between environments."""

from __future__ import annotations

from msgspec.structs import replace

from envparity.judge import judge
from envparity.judge.finding import Finding
from envparity.observe.transcript import Clients, Crossed, Departure, Transcript
from tests.envparity.judge.builders import BACKEND, allows, handshake, observation, received, sent, subject, timed_out

ALL = Clients(of=50, served=50, least=50)
SOME = Clients(of=50, served=40, least=50, otherwise={"close 1013": 10})
FULL = Departure(1, "close", "welcome", "close 1013 'full'", "a")


def played(clients: Clients | None, departure: Departure | None = None) -> Transcript:
    """A scenario of fifty clients."""
    return Transcript("many", "load", (handshake(),), departure, clients=clients)


def found(*observed: tuple[str, Transcript], control: tuple[Transcript, ...] = ()) -> list[Finding]:
    """What is found in these environments."""
    seen = [observation(name, transcripts=(transcript,), control=control) for name, transcript in observed]
    return list(judge(subject(), seen).findings)


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
    judged = judge(subject(allows("local"), allows("staging", "conversation.many.clients.*")), seen)
    assert judged.findings == ()


def test_a_frame_of_another_client_is_a_leak_unless_everybody_may_see_it() -> None:
    crossed = Crossed(1, 19, "<uuid:q>", received({"type": "answer", "id": "x"}))
    mixed = played(replace(ALL, crossed=(crossed,)))
    (finding,) = found(("local", mixed))
    assert (finding.code, finding.where, finding.nature) == ("EP307", "many", "another client")
    public = replace(BACKEND, public_frames=("answer",))
    judged = judge(subject("local", backend=public), [observation("local", transcripts=(mixed,))])
    assert judged.findings == ()


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
