"""The whole conversation is the same transcript in every environment, for every way to hand over the token."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.faces.reading import closes, handshakes, named, received, sent, types

pytestmark = pytest.mark.parity(group="conversation")

CARRIERS = ("header", "subprotocol", "first_frame")
AGENT_EVENTS = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
CONVERSATION = ["connection_established", *AGENT_EVENTS, "history", "pong"]
every_carrier = pytest.mark.parametrize("carrier", CARRIERS)


def test_keeps_to_its_script(parity: ParityRun, scenario: str) -> None:
    """Nothing departs from the script or breaks the contract, and the normalised transcript is the same everywhere."""
    parity.assert_holds(scenario)
    assert {name: transcript.departure for name, transcript in parity.transcripts(scenario).items()} == dict.fromkeys(
        parity.environments
    )


@every_carrier
def test_frames_come_in_the_promised_order(parity: ParityRun, carrier: str) -> None:
    """Welcome, the five agent events, history, pong; then the close that the client asked for, 1000."""
    for name, transcript in parity.transcripts(f"conversation[{carrier}]").items():
        assert types(received(transcript)) == CONVERSATION, name
        assert [close.code for close in closes(transcript)] == [1000], name


@every_carrier
def test_agent_events_belong_to_one_run(parity: ParityRun, carrier: str) -> None:
    """Each of the five has the message's id, one run id, the sequence 1 to 5 and timestamps that do not go back."""
    for transcript in parity.transcripts(f"conversation[{carrier}]").values():
        asked = next(frame["message_id"] for frame in sent(transcript) if frame.get("type") == "user_message")
        events = [frame for frame in received(transcript) if frame["type"] in AGENT_EVENTS]
        assert {event["message_id"] for event in events} == {asked}
        assert len({event["run_id"] for event in events}) == 1
        assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
        assert all(earlier["timestamp"] <= other["timestamp"] for earlier, other in pairwise(events))


@every_carrier
def test_history_has_question_and_answer(parity: ParityRun, carrier: str) -> None:
    """Message and answer were stored before `agent_completed`, and are read back in their order."""
    for transcript in parity.transcripts(f"conversation[{carrier}]").values():
        (history,) = received(transcript, frame_type="history")
        (completed,) = received(transcript, frame_type="agent_completed")
        asked = next(frame for frame in sent(transcript) if frame.get("type") == "user_message")
        assert [message["role"] for message in history["messages"]] == ["user", "assistant"]
        assert [message["text"] for message in history["messages"]] == [asked["text"], completed["answer"]]


@every_carrier
def test_the_welcome_names_the_user(parity: ParityRun, carrier: str) -> None:
    """The user of the token, whoever asks."""
    for transcript in parity.transcripts(f"conversation[{carrier}]").values():
        (welcome,) = received(transcript, frame_type="connection_established")
        assert welcome["user_id"] == named(transcript, "user")


def test_the_carrier_makes_no_difference(parity: ParityRun) -> None:
    """After authentication nobody can tell how the token came."""
    told = {carrier: parity.transcripts(f"conversation[{carrier}]") for carrier in CARRIERS}
    seen = {
        (carrier, name): (
            types(received(transcript)),
            closes(transcript),
            [shake.status for shake in handshakes(transcript)],
        )
        for carrier, played in told.items()
        for name, transcript in played.items()
    }
    assert len(seen) == 9
    assert [where for where, told in seen.items() if told != seen["header", "local"]] == []


@pytest.mark.parametrize("scenario", ["numeric_user_id", "federated_user_id"])
def test_a_user_id_is_whatever_the_identity_provider_says(parity: ParityRun, scenario: str) -> None:
    """Digits alone, or google-oauth2|… with capitals: welcomed by that id and answered like anybody."""
    form = {"numeric_user_id": r"\d+", "federated_user_id": r"google-oauth2\|\d+aBCd"}[scenario]
    for name, transcript in parity.transcripts(scenario).items():
        (welcome,) = received(transcript, frame_type="connection_established")
        assert re.fullmatch(form, welcome["user_id"]), name
        assert types(received(transcript))[1:] == AGENT_EVENTS, name


@pytest.mark.parametrize(
    "scenario", ["no_subprotocol_offered", "unknown_subprotocol_offered", "token_subprotocol_alone"]
)
def test_a_subprotocol_is_selected_only_where_it_is_spoken(parity: ParityRun, scenario: str) -> None:
    """101 without a subprotocol where `netra.v1` was not offered; the token's own is never selected."""
    for name, transcript in parity.transcripts(scenario).items():
        assert [(handshake.status, handshake.subprotocol) for handshake in handshakes(transcript)] == [(101, None)], (
            name
        )
        assert types(received(transcript)) == ["connection_established"], name


@pytest.mark.parametrize("scenario", ["own_origin", "listed_origin"])
def test_an_allowed_origin_gets_in(parity: ParityRun, scenario: str) -> None:
    """The scheme and host that the ingress forwarded count, and so does the list of allowed origins."""
    for name, transcript in parity.transcripts(scenario).items():
        assert [handshake.status for handshake in handshakes(transcript)] == [101], name
        assert types(received(transcript)) == ["connection_established"], name


def test_a_message_of_the_greatest_size_is_answered(parity: ParityRun) -> None:
    """The limit is a limit, not one less, in every environment and through every ingress."""
    for name, transcript in parity.transcripts("biggest_message").items():
        assert types(received(transcript)) == ["connection_established", *AGENT_EVENTS], name


def test_no_token_is_ever_written_down(parity: ParityRun) -> None:
    """Transcripts are kept and shown, so the token of the first frame stands there by its kind."""
    for transcript in parity.transcripts("conversation[first_frame]").values():
        (handed_over,) = (frame for frame in sent(transcript) if frame.get("type") == "authenticate")
        assert handed_over["token"] == "<token:valid>"  # noqa: S105  that is the point
