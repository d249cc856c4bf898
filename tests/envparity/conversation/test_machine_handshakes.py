"""The state machine where a connection begins: who is let in, who is not, and what is written down of it."""

from __future__ import annotations

import pytest

from envparity.conversation import actions
from envparity.conversation.resolving import Handshake
from envparity.judge.canonical import event_data
from envparity.model.step import (
    Connect,
    Expect,
)
from envparity.observe.transcript import (
    Departure,
    HandshakeAnswered,
)
from tests.envparity.conversation.machine_talks import connected, conversation, departed, kept_to_its_script

# Connecting.


def test_a_handshake_is_asked_for_until_its_outcome_is_told() -> None:
    """Nothing goes on before the upgrade was answered."""
    talk = conversation(Connect("valid"))
    first = talk.next(0.0)
    assert first == talk.next(0.1)
    assert isinstance(first, actions.Open)
    assert (first.connection, first.timeout_s, first.other_than) == ("a", 5.0, None)
    talk.opened(HandshakeAnswered(0.2, "a", "accept", 101, "v1", 1))
    (entry,) = kept_to_its_script(talk)
    assert entry == HandshakeAnswered(0.2, "a", "accept", 101, "v1", 1)


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (HandshakeAnswered(0.1, "a", "accept", 403), "HTTP status 403"),
        (HandshakeAnswered(0.1, "a", "accept", 0, error="Connection refused"), "no HTTP answer: Connection refused"),
        (HandshakeAnswered(0.1, "a", "accept", 101), "101 with no subprotocol"),
        (HandshakeAnswered(0.1, "a", "accept", 101, "v2"), "101 with subprotocol v2"),
        (HandshakeAnswered(0.1, "a", "accept", 101, "v1", error="bad header"), "101 with subprotocol v1: bad header"),
    ],
)
def test_a_handshake_that_is_not_as_promised_departs(answer: HandshakeAnswered, got: str) -> None:
    """Status, subprotocol and an understandable answer are all part of the promise."""
    talk = conversation(Connect("valid"), Expect(("welcome",)))
    talk.next(0.0)
    talk.opened(answer)
    assert departed(talk) == Departure(0, "handshake", "101 with subprotocol v1", got, "a")


def test_a_refused_handshake_can_be_what_is_expected() -> None:
    """A status other than 101 ends the attempt; its subprotocol says nothing."""
    talk = conversation(Connect("none", status=403))
    talk.next(0.0)
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 403))
    (entry,) = kept_to_its_script(talk)
    assert event_data(entry)["status"] == 403


@pytest.mark.parametrize(
    ("phase", "named"), [("connect", "connect: a TCP connection"), ("accept", "accept: the answer")]
)
def test_a_handshake_that_hangs_names_its_phase(phase: str, named: str) -> None:
    """Connecting and being accepted are two phases with a deadline each."""
    talk = conversation(Connect("valid", within_s=2))
    talk.next(0.0)
    talk.timed_out(2.0, phase)
    departure = departed(talk)
    assert (departure.kind, departure.got) == ("timeout", "nothing")
    assert departure.expected.startswith(named)
    assert departure.expected.endswith("within 2 s")
    (entry,) = talk.transcript.events
    assert (entry.kind, entry.phase, event_data(entry)["timeout_s"]) == ("timeout", phase, 2.0)


def test_another_replica_is_asked_for_by_the_first_ones_index() -> None:
    """The driver is told which replica to avoid."""
    talk = connected(Connect("valid", on="b", other_replica_than="a"))
    action = talk.next(0.2)
    assert isinstance(action, actions.Open)
    assert action.other_than == 0


def test_the_first_frame_hands_over_the_token_and_the_token_is_not_written_down() -> None:
    """It goes out as soon as the upgrade is accepted, in the phase authenticate."""
    handshake = Handshake("/ws", (), None, (), "", {"type": "authenticate", "token": "s3cret"})
    talk = conversation(Connect("valid"), handshakes={0: handshake}, secrets={"s3cret": "<token:valid>"})
    talk.next(0.0)
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 101))
    assert talk.next(0.1) == actions.SendMessage("a", '{"type": "authenticate", "token": "s3cret"}', 5.0)
    _, sent = kept_to_its_script(talk)
    assert (sent.kind, sent.phase, event_data(sent)["token"]) == ("sent", "authenticate", "<token:valid>")


def test_no_secret_is_written_down_wherever_it_comes_back() -> None:
    """A backend that echoes a token does not get it into the transcript, the departure or an error's text."""
    secrets = {"s3cret": "<token:valid>"}
    talk = connected(Expect(("welcome",)), secrets=secrets)
    talk.received("a", '{"type": "error", "s3cret": ["s3cret", 1]}', 0.2)
    assert "s3cret" not in departed(talk).got
    assert event_data(talk.transcript.events[-1]) == {"type": "error", "<token:valid>": ["<token:valid>", 1]}
    talk = conversation(Connect("valid"), secrets=secrets)
    talk.next(0.0)
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 101, error="unsupported subprotocol: s3cret"))
    assert departed(talk).got.endswith("unsupported subprotocol: <token:valid>")
