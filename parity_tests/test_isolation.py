"""Two users at once never see each other's events, on one replica and across two."""

from __future__ import annotations

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.faces.reading import connections, handshakes, named, received, sent, types
from envparity.observe.transcript import Transcript

pytestmark = pytest.mark.parity(group="isolation")

AGENT_EVENTS = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
TWO_USERS = ("two_users", "two_users_on_two_replicas", "same_message_id")
ACROSS_REPLICAS = ("two_users_on_two_replicas", "two_connections")


def agent_events(transcript: Transcript, connection: str) -> list[dict[str, object]]:
    """What the agent told that connection."""
    return [frame for frame in received(transcript, connection) if frame["type"] in AGENT_EVENTS]


def test_keeps_to_its_script(parity: ParityRun, scenario: str) -> None:
    """Nothing departs, no event reaches another user, and the normalised transcript is the same everywhere."""
    parity.assert_holds(scenario)


@pytest.mark.parametrize("scenario", TWO_USERS)
def test_two_users_at_once_each_get_their_own_events(parity: ParityRun, scenario: str) -> None:
    """Alice's five events answer what Alice sent, Bob's what Bob sent, and no thread or run is on both connections."""
    for name, transcript in parity.transcripts(scenario).items():
        seen: dict[str, set[object]] = {}
        for connection, user in (("a", "alice"), ("b", "bob")):
            (welcome,) = received(transcript, connection, "connection_established")
            assert welcome["user_id"] == named(transcript, f"user:{user}"), name
            events = agent_events(transcript, connection)
            assert types(events) == AGENT_EVENTS, f"{name}: {user}"
            asked = {
                frame["message_id"] for frame in sent(transcript, connection) if frame.get("type") == "user_message"
            }
            assert {event["message_id"] for event in events} == asked, f"{name}: {user}"
            seen[user] = {event[key] for event in events for key in ("thread_id", "run_id")}
        assert seen["alice"] & seen["bob"] == set(), name


@pytest.mark.parametrize("scenario", ACROSS_REPLICAS)
def test_it_was_tried_across_replicas(parity: ParityRun, scenario: str) -> None:
    """In production the two connections were on different replicas; elsewhere there is one."""
    replicas = {
        name: len({handshake.replica for handshake in handshakes(transcript)})
        for name, transcript in parity.transcripts(scenario).items()
    }
    assert replicas == {"local": 1, "staging": 1, "production": 2}


def test_events_reach_every_connection_of_a_user(parity: ParityRun) -> None:
    """Whatever is asked on one connection is told on both, in order."""
    for name, transcript in parity.transcripts("two_connections").items():
        told = {connection: agent_events(transcript, connection) for connection in connections(transcript)}
        assert {connection: types(events) for connection, events in told.items()} == {
            "a": AGENT_EVENTS,
            "b": AGENT_EVENTS,
        }, name
        assert told["a"] == told["b"], name


def test_another_users_thread_is_not_there(parity: ParityRun) -> None:
    """Bob, who knows the id of Alice's thread, can neither read it nor write to it."""
    for name, transcript in parity.transcripts("foreign_thread").items():
        told = received(transcript, "b")
        assert types(told) == ["connection_established", "error", "error"], name
        assert {frame["code"] for frame in told if frame["type"] == "error"} == {"thread_not_found"}, name
        (history,) = received(transcript, "a", "history")
        assert [message["role"] for message in history["messages"]] == ["user", "assistant"], name
        assert history["messages"][0]["text"] == "for my eyes only", name
