"""The state machine and frames: what is expected, what departs, and which deadline each has."""

from __future__ import annotations

import pytest

from envparity.conversation import actions
from envparity.judge.canonical import event_data
from envparity.model.step import (
    Connect,
    Expect,
    ExpectClose,
    Flood,
    Send,
    SendSize,
    SendText,
    Silence,
    Step,
)
from envparity.observe.transcript import (
    Departure,
    HandshakeAnswered,
)
from tests.envparity.conversation.machine_talks import connected, conversation, departed, kept_to_its_script

# Expecting.


def test_frames_are_taken_in_their_order_with_placeholders_filled() -> None:
    """`each` holds for all, `fields` for the last, and what is captured fills later steps."""
    talk = connected(
        Expect(("one", "two"), each={"id": "{uuid:m}"}, fields={"limits.max": 7}, capture={"thread": "thread"}),
        Send({"type": "history", "thread": "{thread}"}),
        values={"uuid:m": "0123"},
        names={"0123": "<uuid:m>"},
    )
    talk.received("a", '{"type": "one", "id": "0123"}', 0.2)
    talk.received("a", '{"type": "two", "id": "0123", "limits": {"max": 7}, "thread": "t-1"}', 0.3)
    assert talk.next(0.4) == actions.SendMessage("a", '{"type": "history", "thread": "t-1"}', 5.0)
    entries = kept_to_its_script(talk)
    assert [(entry.kind, entry.at_s, entry.phase) for entry in entries[1:]] == [
        ("received", 0.2, "authenticate"),
        ("received", 0.3, "authenticate"),
        ("sent", 0.4, "message"),
    ]
    assert talk.transcript.names == {"0123": "<uuid:m>", "t-1": "<thread>"}


def test_what_is_said_with_a_placeholder_is_said_of_that_step_alone() -> None:
    """Of two frames of one type the script says it of the second."""
    talk = connected(
        Expect(("link",)),
        Expect(("link",), fields={"to.url": "{origin}/upload"}),
        ExpectClose(1000, "bye from {origin}"),
        values={"origin": "https://chat"},
    )
    talk.received("a", '{"type": "link", "to": {"url": "https://chat/help"}}', 0.2)
    talk.received("a", '{"type": "link", "to": {"url": "https://chat/upload"}}', 0.3)
    talk.closed("a", 1000, "bye from https://chat", "server", 0.4)
    entries = kept_to_its_script(talk)
    assert [entry.kind for entry in entries] == ["handshake", "received", "received", "close"]
    assert talk.transcript.said == {"2.to.url": "{origin}/upload", "3.reason": "bye from {origin}"}


@pytest.mark.parametrize(
    "frame",
    [
        '{"type": "pong"}',
        '{"type": "welcome", "list": [1, {"a": 1}]}',
        '{"type": "welcome", "n": 2, "list": [1, {"a": 1}]}',
        '{"type": "welcome", "n": true, "list": [1, {"a": 1}]}',
        '{"type": "welcome", "n": 1, "list": [1]}',
        '{"type": "welcome", "n": 1, "list": {"0": 1}}',
        '{"type": "welcome", "n": 1, "list": [1, {"b": 2}]}',
        "not json",
        "[1]",
    ],
)
def test_a_frame_that_does_not_match_departs(frame: str) -> None:
    """Objects may have more than is asked for, lists may not, and true is not 1."""
    talk = connected(Expect(("welcome",), fields={"n": 1, "list": [1, {"a": 1}]}))
    talk.received("a", frame, 0.2)
    departure = departed(talk)
    assert (departure.step, departure.kind, departure.connection) == (1, "frame", "a")
    assert departure.expected == 'welcome {"n": 1, "list": [1, {"a": 1}]}'


@pytest.mark.parametrize(
    "waiting",
    [Expect(("ready",)), Expect(("ready",), fields={"limit": 1}), ExpectClose(1008), Silence(1.0)],
    ids=["for another type", "for fields of another type", "for a close", "for nothing"],
)
def test_of_a_frame_that_nobody_expected_its_type_is_said(waiting: Step) -> None:
    """What else it holds is what each environment says of itself: the same defect would have as many names."""

    def got(held: str) -> str:
        talk = connected(waiting)
        talk.received("a", held, 0.2)
        return departed(talk).got

    first, other = (got(f'{{"type": "welcome", "limit": {limit}}}') for limit in (100, 300))
    assert "welcome" in first
    assert first == other
    assert "TOO_MANY" in got('{"type": "error", "code": "TOO_MANY"}')


def test_a_frame_may_have_more_than_is_asked_for() -> None:
    """A subset is enough, in lists element by element, and dotted names go through lists."""
    talk = connected(Expect(("welcome",), fields={"list.1.a": 1, "list": [1, {"a": 1}]}))
    talk.received("a", '{"type": "welcome", "more": 0, "list": [1, {"a": 1, "b": 2}]}', 0.2)
    kept_to_its_script(talk)


@pytest.mark.parametrize("dotted", ["list.2", "list.x", "n.x"])
def test_what_cannot_be_captured_departs(dotted: str) -> None:
    """A name that leads nowhere in the frame is a frame that is not as promised."""
    talk = connected(Expect(("welcome",), capture={"x": dotted}))
    talk.received("a", '{"type": "welcome", "n": 1, "list": [1, 2]}', 0.2)
    assert departed(talk).expected == f"welcome with {dotted}"


def test_what_is_no_text_is_captured_as_it_is_and_named_nowhere() -> None:
    """Numbers fill a placeholder as numbers; there is nothing in them to hide."""
    talk = connected(Expect(("welcome",), capture={"n": "n"}), Send({"type": "x", "n": "{n}", "s": "{n}!"}))
    talk.received("a", '{"type": "welcome", "n": 7}', 0.2)
    assert talk.next(0.3) == actions.SendMessage("a", '{"type": "x", "n": 7, "s": "7!"}', 5.0)
    assert talk.transcript.names == {}


def test_a_departure_reads_the_same_in_every_playing() -> None:
    """Volatile fields are left out of it, and generated values stand by name."""
    talk = connected(Expect(("welcome",)), names={"0123-uuid": "<uuid:m>"}, volatile=frozenset({"server_time"}))
    talk.received("a", '{"type": "error", "server_time": "now", "about": "0123-uuid"}', 0.2)
    assert departed(talk).got == '{"type": "error", "about": "<uuid:m>"}'


def test_a_close_where_a_frame_was_expected_departs() -> None:
    """The code, the reason and who closed are told."""
    talk = connected(Expect(("welcome",)))
    talk.closed("a", 1013, "starting", "server", 0.2)
    departure = departed(talk)
    assert (departure.kind, departure.got) == ("close", "close 1013 'starting' by the server")


def test_each_awaited_frame_has_the_deadline_of_its_phase() -> None:
    """The first expectation waits for authentication, later ones for a message; `within_s` overrides."""
    talk = connected(
        Expect(("welcome",)),
        Expect(("pong",)),
        Expect(("pong",), within_s="{setting:T}+1"),
        amounts={"{setting:T}+1": 4},
    )
    receive = talk.next(1.0)
    assert receive == actions.Receive("a", "authenticate", 5.0, "welcome")
    talk.received("a", '{"type": "welcome"}', 1.5)
    assert talk.next(2.0) == actions.Receive("a", "message", 5.0, "pong")
    assert talk.next(3.0) == actions.Receive("a", "message", 4.0, "pong")
    talk.received("a", '{"type": "pong"}', 3.0)
    assert talk.next(3.0) == actions.Receive("a", "message", 4.0, "pong")
    talk.timed_out(7.0)
    assert departed(talk) == Departure(3, "timeout", "message: pong within 4 s", "nothing", "a")
    assert event_data(talk.transcript.events[-1]) == {"waited_for": "pong", "timeout_s": 4}


def test_a_frame_that_is_there_wins_over_its_deadline() -> None:
    """What arrived before the deadline counts, even if it is looked at later."""
    talk = connected(Expect(("welcome",)))
    talk.next(0.2)
    talk.received("a", '{"type": "welcome"}', 0.3)
    talk.timed_out(0.4)
    kept_to_its_script(talk)


def test_skipped_and_ignored_frames_are_let_pass_and_prolong_nothing() -> None:
    """After a flood pongs do not count, a heartbeat never does, and the deadline stays where it was."""
    talk = connected(Expect(("error",), skip=("pong",)), ignored=frozenset({"heartbeat"}))
    talk.next(0.2)
    talk.received("a", '{"type": "pong"}', 0.3)
    talk.received("a", '{"type": "heartbeat"}', 0.3)
    action = talk.next(1.2)
    assert isinstance(action, actions.Receive)
    assert action.timeout_s == pytest.approx(4.0)
    talk.received("a", '{"type": "error"}', 0.4)
    assert [entry.kind for entry in kept_to_its_script(talk)] == ["handshake", "received"]


def test_connections_have_queues_of_their_own() -> None:
    """What arrives on one connection waits there while the script reads from another."""
    talk = conversation(Connect("valid"), Connect("valid", on="b"), Expect(("one",), on="b"), Expect(("two",)))
    for name in ("a", "b"):
        talk.next(0.0)
        talk.opened(HandshakeAnswered(0.1, name, "accept", 101, "v1"))
    talk.received("a", '{"type": "two"}', 0.2)
    talk.received("b", '{"type": "one"}', 0.3)
    entries = kept_to_its_script(talk)
    assert [(entry.connection, entry.at_s) for entry in entries[2:]] == [("b", 0.3), ("a", 0.2)]


# Sending.


def test_text_size_and_flood_are_recorded_by_what_was_asked_for() -> None:
    """So that environments with other limits have equal transcripts; what goes out is exact."""
    amounts = {"{setting:MAX}+1": 64.0, "{setting:N}": 3.0}
    talk = connected(
        SendText("{ {user}"),
        SendSize("{setting:MAX}+1", {"type": "m"}, "text"),
        Flood({"type": "ping"}, "{setting:N}"),
        amounts=amounts,
        values={"user": "u1"},
    )
    assert talk.next(0.2) == actions.SendMessage("a", "{ u1", 5.0)
    big = talk.next(0.3)
    assert isinstance(big, actions.SendMessage)
    assert isinstance(big.message, str)
    assert len(big.message.encode()) == 64
    assert talk.next(0.4) == actions.SendMessage("a", '{"type": "ping"}', 5.0, 3)
    assert [event_data(entry) for entry in kept_to_its_script(talk)[1:]] == [
        {"text": "{ u1"},
        {"frame": {"type": "m"}, "size": "{setting:MAX}+1"},
        {"frame": {"type": "ping"}, "count": "{setting:N}"},
    ]


def test_a_send_that_hangs_departs() -> None:
    """A backend that reads nothing any more is a phase that hangs."""
    talk = connected(Send({"type": "ping"}))
    talk.next(0.2)
    talk.timed_out(5.2)
    assert departed(talk).expected == "message: room to send within 5 s"
