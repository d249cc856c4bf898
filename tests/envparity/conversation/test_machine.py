"""The state machine: every way in which a conversation can go, without a socket or a clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envparity.conversation import actions
from envparity.conversation.contract.contract import Contract
from envparity.conversation.machine import Conversation
from envparity.conversation.script import Handshake, Script
from envparity.conversation.told import Outcome
from envparity.judge.canonical import event_data
from envparity.model.scenario import Scenario
from envparity.model.step import (
    Close,
    Connect,
    Cut,
    Drop,
    Expect,
    ExpectClose,
    Flood,
    ReadOn,
    Restart,
    RestartAll,
    Restore,
    Rotate,
    Send,
    SendSize,
    SendText,
    SendWire,
    Settle,
    Silence,
    Slow,
    StartReplica,
    Step,
    Stopped,
    StopReading,
    StopReplica,
    Throttle,
    UntilReady,
)
from envparity.observe.transcript import (
    ConnectionClosed,
    Departure,
    Event,
    HandshakeAnswered,
    SilenceKept,
    violations_of,
)

CONTRACT = """
asyncapi: 3.0.0
channels:
  all:
    messages:
      ping: { payload: { type: object, additionalProperties: false, properties: { type: { const: ping } } } }
      pong: { payload: { type: object, additionalProperties: false, properties: { type: { const: pong } } } }
    x-close-codes: { 1001: { reasons: [shutdown] } }
operations:
  hear: { action: receive, messages: [{ $ref: "#/channels/all/messages/ping" }] }
  say: { action: send, messages: [{ $ref: "#/channels/all/messages/pong" }] }
"""


def conversation(*steps: Step, contract: Contract | None = None, **resolved: Any) -> Conversation:
    """A conversation with these steps; `resolved` are fields of its Script."""
    handshake = Handshake("/ws", (), None, ("v1",), "v1", None)
    handshakes = {index: handshake for index, step in enumerate(steps) if isinstance(step, Connect)}
    script = Script(**{"handshakes": handshakes, **resolved})
    return Conversation(Scenario("scenario", "group", steps=steps), script, contract)


def connected(*steps: Step, contract: Contract | None = None, **resolved: Any) -> Conversation:
    """A conversation whose first step, connecting, is done."""
    talk = conversation(Connect("valid"), *steps, contract=contract, **resolved)
    assert isinstance(talk.next(0.0), actions.Open)
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 101, "v1", 0))
    return talk


def departed(talk: Conversation, at_s: float = 9.0) -> Departure:
    """The departure of a conversation that has nothing more to do."""
    assert talk.next(at_s) == actions.Finished(departed=True)
    departure = talk.transcript.departure
    assert departure is not None
    return departure


def kept_to_its_script(talk: Conversation, at_s: float = 9.0) -> tuple[Event, ...]:
    """The entries of a conversation that ended well."""
    assert talk.next(at_s) == actions.Finished(departed=False)
    talk.finish(at_s)
    assert talk.transcript.departure is None
    return talk.transcript.events


def handshakes(*steps: int) -> dict[str, Any]:
    """What these steps say when they connect."""
    return {"handshakes": dict.fromkeys(steps, Handshake("/ws", (), None, ("v1",), "v1", None))}


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    """A client says ping, and hears pong."""
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT)
    return Contract.load(path)


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
    assert talk.next(0.1) == actions.Send("a", '{"type": "authenticate", "token": "s3cret"}', 5.0)
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
    assert talk.next(0.4) == actions.Send("a", '{"type": "history", "thread": "t-1"}', 5.0)
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
    assert talk.next(0.3) == actions.Send("a", '{"type": "x", "n": 7, "s": "7!"}', 5.0)
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
    assert talk.next(0.2) == actions.Send("a", "{ u1", 5.0)
    big = talk.next(0.3)
    assert isinstance(big, actions.Send)
    assert isinstance(big.message, str)
    assert len(big.message.encode()) == 64
    assert talk.next(0.4) == actions.Send("a", '{"type": "ping"}', 5.0, 3)
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
    assert talk.next(0.2) == actions.Close("a", 1000)
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
    assert talk.next(0.2) == actions.Close("a", 1000)
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
    assert talk.next(0.2) == actions.Close("a", 1000)
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


def test_bytes_below_the_frames_are_sent_as_they_are() -> None:
    talk = connected(SendWire(("8101", "00"), every_s=0.1))
    assert talk.next(0.2) == actions.SendWire("a", (b"\x81\x01", b"\x00"), 0.1)
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


@pytest.mark.parametrize("closed", [False, True])
def test_what_nobody_expected_departs_in_the_end(closed: bool) -> None:
    """A frame too many is as wrong as one too few."""
    talk = connected()
    assert talk.next(0.2) == actions.Finished(departed=False)
    if closed:
        talk.closed("a", 1011, "", "server", 0.3)
    else:
        talk.received("a", b"\x00\x01", 0.3)
    talk.finish(0.4)
    departure = talk.transcript.departure
    assert departure is not None
    assert (departure.kind, departure.expected) == ("close" if closed else "frame", "nothing more")
    assert event_data(talk.transcript.events[-1]) == (
        {"code": 1011, "reason": "", "by": "server"} if closed else {"bytes": 2, "sha256": "B413F47D13EE2FE6"}
    )


def test_the_first_departure_stays_and_what_follows_it_is_recorded() -> None:
    """The close after an unexpected error frame explains it."""
    talk = connected(Expect(("welcome",)), ignored=frozenset({"heartbeat"}))
    talk.received("a", '{"type": "error"}', 0.2)
    first = departed(talk)
    talk.received("a", '{"type": "heartbeat"}', 0.2)
    talk.closed("a", 1013, "startup_failed:x", "server", 0.3)
    talk.finish(0.4)
    assert talk.transcript.departure == first
    assert [entry.kind for entry in talk.transcript.events] == ["handshake", "received", "close"]


def test_the_clients_own_close_in_the_end_is_nothing_to_record() -> None:
    """The driver closes what is open when the script is over."""
    talk = connected()
    assert talk.next(0.2) == actions.Finished(departed=False)
    talk.closed("a", 1000, "", "client", 0.3)
    talk.finish(0.4)
    assert [entry.kind for entry in talk.transcript.events] == ["handshake"]
    assert talk.transcript.duration_s == 0.4


def test_a_scenario_without_steps_is_over_at_once() -> None:
    """It promises nothing, and an unexpected frame of it would be of step 0."""
    talk = conversation()
    kept_to_its_script(talk)


# Control.


@pytest.mark.parametrize(
    ("step", "action", "data", "connection"),
    [
        (StopReplica("a"), actions.Control("stop_replica", "a", 0), {"stop_replica": "a"}, "a"),
        (StartReplica("a"), actions.Control("start_replica", "a", 0), {"start_replica": "a"}, "a"),
        (Restart("postgres"), actions.Control("restart", "postgres"), {"restart": "postgres"}, ""),
        (Cut("redis"), actions.Control("cut", "redis"), {"cut": "redis"}, ""),
        (
            Cut("redis", for_s=2),
            actions.Control("cut", "redis", disturbance=Cut("redis", for_s=2)),
            {"cut": "redis"},
            "",
        ),
        (
            Slow("redis", by_s=1),
            actions.Control("slow", "redis", disturbance=Slow("redis", by_s=1)),
            {"slow": "redis"},
            "",
        ),
        (
            Throttle("a", for_s=1),
            actions.Control("throttle", "a", 0, disturbance=Throttle("a", for_s=1)),
            {"throttle": "a"},
            "a",
        ),
        (
            RestartAll(9),
            actions.Control("restart_all", "", disturbance=RestartAll(9)),
            {"restart_all": True},
            "",
        ),
        (Restore("redis"), actions.Control("restore", "redis"), {"restore": "redis"}, ""),
        (Rotate("idp"), actions.Control("rotate", "idp"), {"rotate": "idp"}, ""),
        (Rotate("idp", keep=True), actions.Control("rotate", "idp", keep=True), {"rotate": "idp"}, ""),
        (UntilReady(), actions.Control("until_ready", ""), {"until_ready": True}, ""),
    ],
)
def test_control_steps_are_asked_for_until_they_are_done(
    step: Step, action: actions.Control, data: dict[str, Any], connection: str
) -> None:
    """What was done is recorded; a replica is meant by the connection that is on it."""
    talk = connected(step)
    assert talk.next(0.2) == talk.next(0.3) == action
    talk.controlled(Outcome(), 0.4)
    done = kept_to_its_script(talk)[-1]
    assert (done.at_s, done.connection, event_data(done)) == (0.4, connection, data)


def test_an_environment_that_fails_departs() -> None:
    """Why it failed is what was got."""
    talk = connected(UntilReady())
    talk.next(0.2)
    talk.controlled(Outcome("waited 30 s"), 30.0)
    assert departed(talk) == Departure(1, "control", "until_ready", "waited 30 s", "")


def test_how_a_replica_ended_is_recorded() -> None:
    """With exit code and seconds, as the driver tells them."""
    talk = connected(Stopped("a"))
    talk.next(0.2)
    talk.controlled(Outcome(exit_code=0, seconds=0.7), 1.0)
    assert event_data(kept_to_its_script(talk)[-1]) == {"stopped": "a", "exit_code": 0, "seconds": 0.7}


@pytest.mark.parametrize("exit_code", [137, -9])
def test_a_replica_that_had_to_be_killed_departs(exit_code: int) -> None:
    """SIGKILL means that the grace period was over."""
    talk = connected(Stopped("a"))
    talk.next(0.2)
    talk.controlled(Outcome(exit_code=exit_code, seconds=10.0), 10.2)
    assert departed(talk).got == f"killed, exit code {exit_code}"


# The contract.


def test_frames_are_held_against_the_contract_in_both_directions(contract: Contract) -> None:
    """A violation is recorded with its entry and does not depart; skipped frames show only then."""
    talk = connected(
        Send({"type": "pong"}),
        Send({"type": "ping", "x": 1}, breaks_contract=True),
        Send({"type": "ping"}, breaks_contract=True),
        Expect(("pong",), skip=("noise",)),
        contract=contract,
    )
    for at_s in (0.2, 0.3, 0.4):
        talk.next(at_s)
    talk.received("a", '{"type": "noise"}', 0.5)
    talk.received("a", '{"type": "pong", "x": 1}', 0.6)
    said = [(entry.kind, len(violations_of(entry))) for entry in kept_to_its_script(talk)]
    assert said == [("handshake", 0), ("sent", 1), ("sent", 0), ("sent", 1), ("received", 1), ("received", 1)]


def test_closes_of_the_backend_are_held_against_the_contract(contract: Contract) -> None:
    """Its codes and reasons are part of it; the client's own are not."""
    talk = connected(ExpectClose(1008), contract=contract)
    talk.closed("a", 1008, "x", "server", 0.2)
    assert violations_of(kept_to_its_script(talk)[-1]) == ("close code 1008 is none of 1001",)
    talk = connected(Close(1000), contract=contract)
    talk.next(0.2)
    talk.closed("a", 1000, "", "client", 0.2)
    assert violations_of(kept_to_its_script(talk)[-1]) == ()


def test_an_empty_token_is_not_held_against_the_contract(contract: Contract) -> None:
    """Whether it is a frame at all is for the backend to say."""
    handshake = Handshake("/ws", (), None, (), "", {"type": "authenticate", "token": ""})
    talk = conversation(Connect("empty"), handshakes={0: handshake}, contract=contract)
    talk.next(0.0)
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 101))
    talk.next(0.1)
    assert violations_of(kept_to_its_script(talk)[-1]) == ()
