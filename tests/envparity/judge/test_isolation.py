"""EP307: what is of one user on the connection of another, and what is not."""

from __future__ import annotations

from msgspec.structs import replace

from envparity.judge import Finding
from envparity.model.scenario import Scenario
from envparity.observe.transcript import Event
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    BACKEND,
    WELCOME,
    departed,
    judged,
    observation,
    only,
    project,
    received,
    sent,
    transcript,
)
from tests.envparity.judge.conversing import M1, M2

ANNA, BEN = "user-anna-1", "user-ben-22"


def isolation(*entries: Event, private: bool = True) -> Finding | None:
    """What is found in a conversation of two users, with those entries after both were welcomed."""
    names = {ANNA: "<user:anna>", BEN: "<user:ben>", M1: "<uuid:m1>"}
    welcomes = [received(WELCOME | {"user_id": user}, on) for user, on in ((ANNA, "a"), (ANNA, "a2"), (BEN, "b"))]
    script = transcript(*welcomes, *entries, scenario="two_users", names=names)
    backend = replace(BACKEND, scenarios=(Scenario("two_users", private=private),))
    found = judged(observation("local", transcripts=(script,)), of=project("local", backend=backend)).findings
    assert len(found) <= 1
    return found[0] if found else None


def test_ep307_another_users_id_or_message_on_a_connection() -> None:
    """One finding, whoever of them met what; its evidence names connection, user and values."""
    done = {"type": "completed", "parts": [{"user": ANNA, "message_id": M1}]}
    asked = sent({"type": "user_message", "message_id": M1})
    found = isolation(asked, received(done, "a2"), received(done, "b"), received(done | {"n": 2}, "b"))
    assert found is not None
    assert (found.code, found.where) == ("EP307", "two_users")
    leaked = evidence_lines(found)
    assert leaked[0] == "connection b of <user:ben> got <user:anna>, <uuid:m1>"
    half = isolation(asked, received({"type": "started", "message_id": M1}, "b"))
    assert half is not None
    assert evidence_lines(half)[0].endswith("got <uuid:m1>")
    assert half.got == found.got
    assert len(leaked) == 3
    assert leaked[1].startswith("b: received ")


def test_ep307_what_is_ones_own_is_no_leak() -> None:
    """Events reach all connections of a user; what both sent is known to both; others promise nothing."""
    done = {"type": "completed", "user": ANNA, "message_id": M1}
    asked = sent({"type": "user_message", "message_id": M1})
    assert isolation(asked, received(done, "a2")) is None
    assert isolation(asked, sent({"message_id": M1}, "b"), received({"message_id": M1}, "b")) is None
    assert isolation(sent({"message_id": M1}, "nobody"), received({"message_id": M1}, "b")) is None
    assert isolation(received({"user": ANNA}, "nameless"), received({"text": "hi"}, "silent")) is None
    assert isolation(asked, received(done, "b"), private=False) is None


def test_ep307_is_the_same_failure_whichever_of_two_users_meets_what_is_the_others() -> None:
    """Anna in one environment and Ben in the other, as it happens: one finding, in every environment."""
    asked = (sent({"type": "user_message", "message_id": M1}), sent({"type": "user_message", "message_id": M2}, "b"))
    names = {ANNA: "<user:anna>", BEN: "<user:ben>", M1: "<uuid:m1>", M2: "<uuid:m2>"}
    welcomes = [received(WELCOME | {"user_id": user}, on) for user, on in ((ANNA, "a"), (BEN, "b"))]
    plays = {
        "local": received({"type": "done", "message_id": M1}, "b"),
        "staging": received({"type": "done", "message_id": M2}, "a"),
    }
    seen = [
        observation(name, transcripts=(transcript(*welcomes, *asked, leak, scenario="two_users", names=names),))
        for name, leak in plays.items()
    ]
    backend = replace(BACKEND, scenarios=(Scenario("two_users", private=True),))
    findings = judged(*seen, of=project("local", "staging", backend=backend)).findings
    assert [finding.environments for finding in findings if finding.code == "EP307"] == [("local", "staging")]


def test_ep307_takes_the_departure_with_it() -> None:
    """The frame that nobody expected is the leak."""
    script = departed(
        "frame",
        received({"user": ANNA}, "a"),
        received({"user": BEN}, "b"),
        received({"user": ANNA}, "b"),
        names={ANNA: "<user:anna>", BEN: "<user:ben>"},
    )
    backend = replace(BACKEND, scenarios=(Scenario("chat", private=True),))
    found = only(observation("local", transcripts=(script,)), of=project("local", backend=backend))
    assert found.code == "EP307"
    assert evidence_lines(found)[0] == "connection b of <user:ben> got <user:anna>"
