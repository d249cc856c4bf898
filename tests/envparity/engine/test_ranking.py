"""Of several causes that each do it, the one that the evidence speaks of is told first."""

from __future__ import annotations

import msgspec
import pytest

from envparity.engine.ranking import likely, ranked
from envparity.isolate import Trait, differences
from envparity.judge.cause import TraitsCause
from envparity.judge.entries import defects, with_entries
from envparity.judge.evidence import Evidence, Excerpt, Logged, ReplicasReached, SeenIn, StartupFailed, WhoAnswered
from envparity.judge.finding import Finding, Judgement
from envparity.model.environment import Environment, Ingress, Platform
from envparity.observe.frame import JsonFrame
from envparity.observe.transcript import ConnectionClosed, FrameSent, Header
from tests.envparity.judge.builders import handshake

LAPTOP = Environment("laptop", ingress=Ingress(kind="nginx", host="localhost"))
CLOUD = Environment(
    "cloud",
    settings={"DEBUG": "0", "ALLOWED_HOSTS": "chat-backend.internal", "CORS_ALLOW_ORIGINS": "https://other.example"},
    ingress=Ingress(kind="nginx", host="chat.example"),
)
DEBUG, HOSTS, ORIGINS, HOST = differences(LAPTOP, CLOUD)
ORIGIN = Header("Origin", "https://chat.example")
REFUSED = WhoAnswered(handshake(403, sent=(Header("Host", "chat.example"), ORIGIN)))


@pytest.mark.parametrize(
    ("evidence", "first"),
    [
        pytest.param((REFUSED,), [HOST, HOSTS, ORIGINS, DEBUG], id="the headers of a refusal"),
        pytest.param((Logged("replica 1", ("ORIGIN not in cors_allow_origins",)),), [ORIGINS], id="a name in the log"),
        pytest.param((Logged("replica 1", ("only from https://other.example",)),), [ORIGINS], id="a value in the log"),
        pytest.param((SeenIn(("cloud",), (REFUSED,)),), [HOST], id="what another environment shows"),
        pytest.param((StartupFailed("DEBUG must be 1"),), [DEBUG], id="what a failed startup says"),
        pytest.param((Logged("replica 1", ("0 of chat.example.org, DEBUGGER",)),), [DEBUG, HOSTS], id="nothing"),
        pytest.param((), [DEBUG, HOSTS, ORIGINS, HOST], id="no evidence"),
    ],
)
def test_what_the_evidence_speaks_of_comes_first(evidence: tuple[Evidence, ...], first: list[Trait]) -> None:
    """A name before a value, a value before a word of it; what it does not speak of stays as the files have it."""
    told = ranked([(DEBUG,), (HOSTS,), (ORIGINS,), (HOST,)], evidence, CLOUD)
    assert [trait for (trait,) in told][: len(first)] == first


def cut(quiet_s: float, code: int = 1006) -> Excerpt:
    """A frame, and the end of the connection so many seconds later."""
    sent = FrameSent(1.0, "main", "message", JsonFrame({"type": "hello"}))
    return Excerpt((sent, ConnectionClosed(1.0 + quiet_s, "main", "close", code)))


@pytest.mark.parametrize(
    ("evidence", "asked_first"),
    [
        pytest.param((cut(5.1),), ("ingress.idle_timeout_s=5",), id="cut off when it was quiet so long"),
        pytest.param((cut(5.1, code=1011),), (), id="closed by the backend"),
        pytest.param((cut(1.0),), (), id="cut off at another time"),
        pytest.param((ReplicasReached((("alice", 0), ("bob", 1))),), ("platform.replicas=2",), id="apart"),
        pytest.param((ReplicasReached((("alice", 1), ("bob", 1))),), (), id="at the same replica"),
        pytest.param((Logged("replica 1", ("DEBUG=0, ALLOWED_HOSTS=*",)),), (), id="two are named"),
        pytest.param((), (), id="nothing"),
    ],
)
def test_what_the_evidence_speaks_of_alone_is_asked_about_first(
    evidence: tuple[Evidence, ...], asked_first: tuple[str, ...]
) -> None:
    """What clients saw counts like a name in a log; where it fits several, none of them is the first."""
    ingress = msgspec.structs.replace(CLOUD.ingress, idle_timeout_s=5.0)
    cloud = msgspec.structs.replace(CLOUD, ingress=ingress, platform=Platform(replicas=2))
    assert tuple(map(str, likely(differences(LAPTOP, cloud), evidence, cloud))) == asked_first


def test_a_header_that_is_dropped_is_a_value_of_its_list() -> None:
    """What was logged of it speaks for the ingress."""
    dropping = msgspec.structs.replace(CLOUD.ingress, drop_headers=("x-room", "x-forwarded-ssl"))
    cloud = msgspec.structs.replace(CLOUD, ingress=dropping)
    (dropped,) = [difference for difference in differences(LAPTOP, cloud) if "drop_headers" in str(difference)]
    told = ranked([(DEBUG,), (dropped,)], (Logged("replica 1", ("nobody says x-room here",)),), cloud)
    assert told[0] == (dropped,)


def test_findings_whose_evidence_ranks_one_cause_otherwise_are_one_entry() -> None:
    """The same alternatives, in whatever sequence."""
    findings = tuple(
        Finding("EP302", "", where, "", "", ("cloud",), ("case",), cause=TraitsCause(alternatives))
        for where, alternatives in (("a", (("X=1",), ("Y=2",))), ("b", (("Y=2",), ("X=1",))))
    )
    judgement = with_entries(Judgement(findings, (), 1))
    assert len(defects(judgement.findings)) == 1
