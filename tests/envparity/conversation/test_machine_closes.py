"""The state machine where a connection ends, is silent or is dropped."""

from __future__ import annotations

import pytest

from envparity.conversation import actions
from envparity.conversation.machine import Conversation
from envparity.judge.canonical import event_data
from envparity.model.step import (
    Close,
    Connect,
    Drop,
    Expect,
    ExpectClose,
    ExpectText,
    ReadOn,
    Send,
    SendWire,
    Settle,
    Silence,
    Step,
    StopReading,
)
from envparity.observe.transcript import (
    ConnectionClosed,
    HandshakeAnswered,
    SilenceKept,
)
from tests.envparity.conversation.machine_talks import connected, conversation, departed, handshakes, kept_to_its_script

# Closing.


def test_the_peers_close_is_expected_by_code_and_reason() -> None:
    """A reason that is not given may be any."""
    talk = connected(ExpectClose(1008, "no {user}", within_s=1), values={"user": "u1"})
    assert talk.next(0.2) == actions.Receive("a", "close", 1.0, "close 1008 'no {user}'")
    talk.closed("a", 1008, "no u1", "server", 0.3)
    entries = kept_to_its_script(talk)
    assert entries[-1] == ConnectionClosed(0.3, "a", "close", 1008, "no u1", "server")
    talk = connected(ExpectClose(1008))
    talk.closed("a", 1008, "whatever", "server", 0.3)
    kept_to_its_script(talk)


@pytest.mark.parametrize(("code", "reason"), [(1011, "x"), (1008, "y")])
def test_another_close_departs(code: int, reason: str) -> None:
    """Code and reason are both promises."""
    talk = connected(ExpectClose(1008, "x"))
    talk.closed("a", code, reason, "server", 0.2)
    departure = departed(talk)
    assert (departure.kind, departure.expected) == ("close", "close 1008 'x'")


def test_a_frame_where_a_close_was_expected_departs() -> None:
    """Unless it is one to skip."""
    talk = connected(ExpectClose(1008, skip=("pong",)))
    talk.received("a", '{"type": "pong"}', 0.2)
    talk.received("a", '{"type": "welcome"}', 0.2)
    assert departed(talk).kind == "frame"


def test_closing_waits_for_the_echo() -> None:
    """The client begins, and the peer answers with the same code."""
    talk = connected(Close(1000))
    assert talk.next(0.2) == actions.SendClose("a", 1000)
    assert talk.next(0.2) == actions.Receive("a", "close", 5.0, "close 1000, echoed")
    talk.closed("a", 1000, "", "client", 0.3)
    kept_to_its_script(talk)


@pytest.mark.parametrize("first", [0, 1, 2], ids=["after the close", "one before it", "both before it"])
def test_who_closes_unread_does_not_race_with_a_server_that_speaks_first(first: int) -> None:
    """Whether its frames arrive before the client closes or before the echo is chance, and no departure."""
    talk = connected(Close(1000))
    frames = ['{"type": "welcome"}', "text"]
    for message in frames[:first]:
        talk.received("a", message, 0.15)
    assert talk.next(0.2) == actions.SendClose("a", 1000)
    assert isinstance(talk.next(0.2), actions.Receive)
    for message in frames[first:]:
        talk.received("a", message, 0.25)
    assert isinstance(talk.next(0.3), actions.Receive)
    talk.closed("a", 1000, "", "client", 0.4)
    entries = kept_to_its_script(talk)
    assert [type(entry) for entry in entries] == [HandshakeAnswered, ConnectionClosed]


def test_who_has_read_something_expects_no_frame_at_the_close() -> None:
    """There a frame more than the script has is one too many."""
    talk = connected(Expect(("welcome",)), Close(1000))
    for message in ('{"type": "welcome"}', '{"type": "welcome"}'):
        talk.received("a", message, 0.15)
    assert talk.next(0.2) == actions.SendClose("a", 1000)
    assert departed(talk).kind == "frame"


def test_a_close_that_is_not_echoed_departs() -> None:
    """A peer that does not answer hangs in the phase close."""
    talk = connected(Close(1000))
    talk.next(0.2)
    talk.next(0.2)
    talk.timed_out(5.2)
    assert departed(talk).expected == "close: close 1000, echoed within 5 s"


# Silence, and what nobody asked for.


def test_silence_is_waited_out() -> None:
    """Ignored frames do not break it, and the time that passed is not waited for again."""
    talk = connected(Silence(0.3), ignored=frozenset({"heartbeat"}))
    assert isinstance(talk.next(1.0), actions.Receive)
    talk.received("a", '{"type": "heartbeat"}', 1.1)
    action = talk.next(1.1)
    assert isinstance(action, actions.Receive)
    assert action.timeout_s == pytest.approx(0.2)
    talk.timed_out(1.3)
    assert kept_to_its_script(talk)[-1] == SilenceKept(1.3, "a", "message", 0.3)


@pytest.mark.parametrize("closed", [False, True])
def test_broken_silence_departs(closed: bool) -> None:
    """A frame as well as a close."""
    talk = connected(Silence(0.3))
    if closed:
        talk.closed("a", 1001, "", "server", 0.2)
    else:
        talk.received("a", '{"type": "agent_started"}', 0.2)
    departure = departed(talk)
    assert (departure.kind, departure.expected) == ("silence", "nothing for 0.3 s")


def test_settling_takes_whatever_comes_until_nothing_does() -> None:
    """Each frame makes it wait anew, and a close ends it."""
    talk = connected(Settle(0.3), Settle(0.3))
    assert isinstance(talk.next(1.0), actions.Receive)
    talk.received("a", '{"type": "one"}', 1.2)
    action = talk.next(1.2)
    assert isinstance(action, actions.Receive)
    assert action.timeout_s == pytest.approx(0.3)
    talk.timed_out(1.5)
    assert isinstance(talk.next(1.5), actions.Receive)
    talk.closed("a", 1008, "no", "server", 1.6)
    events = kept_to_its_script(talk)
    assert [event.kind for event in events[-2:]] == ["received", "close"]


def settled_closed(*steps: Step, reason: str = "no") -> Conversation:
    """A conversation whose connection is closed with 1008 while its first step lets everything pass."""
    talk = connected(Settle(0.3), *steps)
    assert isinstance(talk.next(1.0), actions.Receive)
    talk.closed("a", 1008, reason, "server", 1.1)
    return talk


@pytest.mark.parametrize("step", [Expect(("pong",)), ExpectText("x"), ExpectClose(1000), Silence(1.0)])
def test_a_close_while_settling_is_what_a_later_step_finds(step: Step) -> None:
    """No phase hangs: the connection was closed then, with that code; and it is written down once."""
    talk = settled_closed(Settle(0.3), step)
    departure = departed(talk, 1.2)
    assert departure.kind == ("silence" if isinstance(step, Silence) else "close")
    assert departure.got == "close 1008 'no' by the server"
    assert [(event.at_s, event.kind) for event in talk.transcript.events[1:]] == [(1.1, "close")]


def test_a_client_cannot_close_what_was_closed_while_settling() -> None:
    """Its own code is echoed by nobody."""
    talk = settled_closed(Close(1000))
    assert talk.next(1.2) == actions.SendClose("a", 1000)
    departure = departed(talk, 1.2)
    assert (departure.kind, departure.got) == ("close", "close 1008 'no' by the server")


def test_a_close_while_settling_may_be_the_one_that_is_expected() -> None:
    """What the script says of its code and reason is said of the event that was written down."""
    talk = settled_closed(Send({"type": "ping"}), ExpectClose((1008, 1011), "no"))
    assert isinstance(talk.next(1.2), actions.SendMessage)
    events = kept_to_its_script(talk, 1.2)
    assert [event.kind for event in events] == ["handshake", "close", "sent"]
    assert talk.transcript.said == {"1.code": "1008 or 1011"}


def test_a_new_connection_of_that_name_is_not_closed() -> None:
    talk = settled_closed(Connect("valid"), Expect(("pong",)))
    assert isinstance(talk.next(1.2), actions.Open)
    talk.opened(HandshakeAnswered(1.3, "a", "accept", 101, "v1", 0))
    talk.received("a", '{"type": "pong"}', 1.4)
    kept_to_its_script(talk, 1.4)


def test_bytes_below_the_frames_are_sent_as_they_are() -> None:
    talk = connected(SendWire(("8101", "00"), every_s=0.1))
    assert talk.next(0.2) == actions.WriteBytes("a", (b"\x81\x01", b"\x00"), 0.1)
    assert event_data(kept_to_its_script(talk)[-1]) == {"text": "wire: 8101 00"}


def test_a_connection_that_is_dropped_has_ended_before_the_script_goes_on() -> None:
    """What it still brought is nobody's, and a new connection of that name begins anew."""
    talk = connected(Drop("a"), Connect("valid"), Expect(("hello",)), **handshakes(0, 2))
    assert talk.next(0.2) == actions.Lose("a", "drop")
    talk.received("a", '{"type": "too late"}', 0.3)
    assert isinstance(talk.next(0.3), actions.Receive)
    talk.closed("a", 1006, "", "client", 0.4)
    assert isinstance(talk.next(0.4), actions.Open)
    talk.opened(HandshakeAnswered(0.5, "a", "accept", 101, "v1", 0))
    talk.received("a", '{"type": "hello"}', 0.6)
    assert [handshake.kind for handshake in kept_to_its_script(talk)] == [
        "handshake",
        "control",
        "handshake",
        "received",
    ]


def test_a_connection_that_is_not_read_for_a_while_is_narrow_from_the_first() -> None:
    """What its client has not read must soon stand at the peer, and a window can only be made small beforehand."""
    talk = conversation(Connect("valid"), Connect("valid", on="b"), StopReading("b"), ReadOn("b"))
    opened = []
    for name in ("a", "b"):
        opened.append(talk.next(0.0))
        talk.opened(HandshakeAnswered(0.1, name, "accept", 101, "v1", 0))
    assert [(action.connection, action.narrow) for action in opened if isinstance(action, actions.Open)] == [
        ("a", False),
        ("b", True),
    ]
    assert [talk.next(0.2), talk.next(0.3)] == [actions.Lose("b", "stop_reading"), actions.Lose("b", "read_on")]
    assert kept_to_its_script(talk)
