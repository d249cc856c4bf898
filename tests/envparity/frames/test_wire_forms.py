"""What each codec makes of what its specification shows, byte by byte, and what a client says by itself."""

from __future__ import annotations

from typing import Any

import pytest

from envparity.frames.action_cable import ActionCable
from envparity.frames.codec import Beat, Codec, Converses, Received, WritesSeveral, answered
from envparity.frames.engine_io import EngineIo
from envparity.frames.mqtt import Mqtt
from envparity.frames.nats import Nats
from envparity.frames.phoenix import Phoenix
from envparity.frames.signalr import SignalR
from envparity.frames.stomp import Stomp

Message = str | bytes

POLLED = "/socket.io/?EIO=4&transport=polling&sid=a"


@pytest.mark.parametrize(
    ("target", "text", "frames"),
    [
        (POLLED, '0{"sid":"a"}', [{"type": "open", "sid": "a"}]),
        (POLLED, '40{"sid":"b"}\x1e2\x1e42["chat",1]\x1e6', [
            {"type": "connect", "data": {"sid": "b"}}, {"type": "event", "event": "chat", "args": [1]}]),
        (POLLED, '451-["two",{"_placeholder":true,"num":0}]\x1ebAQ==', [
            {"type": "event", "event": "two", "args": [{"$hex": "01"}]}]),
        (POLLED, "6", []),
        (POLLED, "ok", None),
        (POLLED, "", None),
        (POLLED, "b!", None),
        ("/health", "404 not found", None),
    ],
)  # fmt: skip
def test_what_is_polled_is_a_list_of_frames(target: str, text: str, frames: list[Any] | None) -> None:
    """Of Engine.IO's long polling; an answer to anything else is none, whatever stands there."""
    assert answered(EngineIo(), target, text) == frames
    assert answered(Stomp(), target, text) is None


def test_a_clients_own_ping_is_a_frame() -> None:
    """Who listens to a client hears what it asks; what arrives as a ping is answered, and is none."""
    assert EngineIo().dialogue().overheard("2probe") == ({"type": "ping", "data": "probe"},)
    assert EngineIo().dialogue().received("2probe") == Received((), ("3probe",))


# The codec, the messages of a connection, the frames in them, and what they are called.
READ: list[tuple[Codec, list[Message], list[Any], list[str | None]]] = [
    (EngineIo(), ['0{"sid":"a","pingInterval":25000}'],
     [{"type": "open", "sid": "a", "pingInterval": 25000}], ["open"]),
    (EngineIo(), ['40{"sid":"b"}', "40/admin,"],
     [{"type": "connect", "data": {"sid": "b"}}, {"type": "connect", "namespace": "/admin"}], ["connect", "connect"]),
    (EngineIo(), ['42["chat",{"n":1}]', '42/admin,7["chat"]', "43/admin,7[true]"],
     [{"type": "event", "event": "chat", "args": [{"n": 1}]},
      {"type": "event", "namespace": "/admin", "id": 7, "event": "chat", "args": []},
      {"type": "ack", "namespace": "/admin", "id": 7, "args": [True]}], ["chat", "chat", "ack"]),
    (EngineIo(), ['452-["two",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]', b"\1", b"\2"],
     [{"type": "event", "event": "two", "args": [{"$hex": "02"}, {"$hex": "01"}]}], ["two"]),
    (EngineIo(), ['461-3[{"_placeholder":true,"num":0}]', b"\1"], [{"type": "ack", "id": 3, "args": [{"$hex": "01"}]}],
     ["ack"]),
    (EngineIo(), ["3probe", "6", "1", "41", '44{"message":"no"}'],
     [{"type": "pong", "data": "probe"}, {"type": "close"}, {"type": "disconnect"},
      {"type": "connect_error", "data": {"message": "no"}}], ["pong", "close", "disconnect", "connect_error"]),
    (EngineIo(), ['451-["late",{"_placeholder":true,"num":0}]', '42["next"]'],
     [{"type": "event", "event": "late", "args": [{"_placeholder": True, "num": 0}]},
      {"type": "event", "event": "next", "args": []}], ["late", "next"]),
    (EngineIo(socket_io=False), ['42["chat"]', b"\1"],
     [{"type": "message", "data": '2["chat"]'}, {"type": "message", "data": {"$hex": "01"}}], ["message", "message"]),
    (EngineIo(), ["49", "9", "", '42"chat"', "451-x", '0["no"]'],
     [{"type": "message", "data": "9"}, "9", "", {"type": "message", "data": '2"chat"'},
      {"type": "message", "data": "51-x"}, '0["no"]'], ["message", None, None, "message", "message", None]),
    (Phoenix(), ['["1","2","room:a","shout",{"n":1}]'],
     [{"join_ref": "1", "ref": "2", "topic": "room:a", "event": "shout", "payload": {"n": 1}}], ["shout"]),
    (Phoenix(), ['[null,"heartbeat","phoenix","phx_reply",{"status":"ok","response":{}}]', "[1,2]", "x"],
     ["[1,2]", "x"], [None, None]),
    (Phoenix(), [b"\x00\x01\x06\x051room:ashout\xff"],
     [{"join_ref": "1", "ref": None, "topic": "room:a", "event": "shout", "payload": {"$hex": "ff"}}], ["shout"]),
    (Phoenix(), [b"\x01\x01\x01\x06\x0212room:aok\xff", b"\2\6\x05room:ashout\xfe", b"\3", b"\0\xff\0\0"],
     [{"join_ref": "1", "ref": "2", "topic": "room:a", "event": "phx_reply",
       "payload": {"status": "ok", "response": {"$hex": "ff"}}},
      {"join_ref": None, "ref": None, "topic": "room:a", "event": "shout", "payload": {"$hex": "fe"}},
      b"\3", b"\0\xff\0\0"], ["phx_reply", "shout", None, None]),
    (SignalR(), ['{}\x1e{"type":6}\x1e{"type":1,"target":"Say","arguments":["a"]}\x1e',
                 '{"type":3,', '"result":1}\x1e'],
     [{}, {"type": 1, "target": "Say", "arguments": ["a"]}, {"type": 3, "result": 1}],
     ["handshake", "Say", "completion"]),
    (SignalR(), ['{"type":7}\x1e', "[]\x1e", b"\x91", '{"type":"x"}\x1e'],
     [{"type": 7}, "[]\x1e", b"\x91", {"type": "x"}],
     ["close", None, None, None]),
    (ActionCable(), ['{"type":"welcome"}', '{"type":"ping","message":1}',
                     '{"identifier":"{\\"channel\\":\\"Chat\\"}","message":{"text":"a"}}', '{"identifier":"x"}', "[]"],
     [{"type": "welcome"}, {"identifier": {"channel": "Chat"}, "message": {"text": "a"}}, {"identifier": "x"}, "[]"],
     ["welcome", "message", None, None]),
    (Stomp(), ["CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0\n", "MESSAGE\r\nid:a\\cb\r\nid:c\r\n\r\nhel", "lo\0\n\n"],
     [{"command": "CONNECTED", "headers": {"version": "1.2", "heart-beat": "0,0"}},
      {"command": "MESSAGE", "headers": {"id": "a:b"}, "body": "hello"}], ["CONNECTED", "MESSAGE"]),
    (Stomp(), ["MESSAGE\ncontent-length:3\n\na\0b\0RECEIPT\nreceipt-id:1\n\n\0"],
     [{"command": "MESSAGE", "headers": {"content-length": "3"}, "body": "a\0b"},
      {"command": "RECEIPT", "headers": {"receipt-id": "1"}}], ["MESSAGE", "RECEIPT"]),
    (Stomp(json_body=True), ['MESSAGE\n\n{"n":1}\0', "MESSAGE\n\n{\0", b"MESSAGE\n\n\xff\0"],
     [{"command": "MESSAGE", "headers": {}, "body": {"n": 1}}, {"command": "MESSAGE", "headers": {}, "body": "{"},
      {"command": "MESSAGE", "headers": {}, "body": {"$hex": "ff"}}], ["MESSAGE"] * 3),
    (Stomp(), ["MESSAGE\0", "MESSAGE\ncontent-length:1\n\nabc\0", "\n", "ERROR\n\n\0"],
     [b"MESSAGE\0", b"MESSAGE\ncontent-length:1\n\nabc\0", {"command": "ERROR", "headers": {}}], [None, None, "ERROR"]),
    (Nats(), [b'INFO {"max_payload":64}\r\n+OK\r\n', b"MSG a.b 1 5\r\nhel", b"lo\r\nMSG a.b 1 in.box 1\r\n\xff\r\n"],
     [{"op": "INFO", "info": {"max_payload": 64}}, {"op": "+OK"},
      {"op": "MSG", "subject": "a.b", "sid": "1", "payload": "hello"},
      {"op": "MSG", "subject": "a.b", "sid": "1", "reply": "in.box", "payload": {"$hex": "ff"}}],
     ["INFO", "+OK", "MSG", "MSG"]),
    (Nats(), [b"HMSG a 1 r 23 25\r\nNATS/1.0\r\nA: b\r\nA:c\r\n\r\nhi\r\n",
              b"HMSG a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"],
     [{"op": "HMSG", "subject": "a", "sid": "1", "reply": "r", "headers": {"A": ["b", "c"]}, "payload": "hi"},
      {"op": "HMSG", "subject": "a", "sid": "1", "status": "503", "headers": {}, "payload": ""}], ["HMSG", "HMSG"]),
    (Nats(), [b"-ERR 'Authorization Violation'\r\nMSG a\r\nINFO x\r\nPONG\r\n"],
     [{"op": "-ERR", "error": "Authorization Violation"}, b"MSG a\r\n", b"INFO x\r\n", {"op": "PONG"}],
     ["-ERR", None, None, "PONG"]),
    (Mqtt(), [b"\x20\2\1\5", b"\x30\5\0\1ahi", b"\x90\4\0\7\1\x80\xd0\0"],
     [{"packet": "connack", "session_present": True, "code": 5},
      {"packet": "publish", "topic": "a", "payload": "hi", "qos": 0, "retain": False, "dup": False},
      {"packet": "suback", "id": 7, "codes": [1, 128]}], ["connack", "publish", "suback"]),
    (Mqtt(), [b"\x3d", b"\x07\0", b"\1a\0\2hi", b"\0\0", b"\x20\1\0", b"\x30\xff\xff\xff\xff\1"],
     [{"packet": "publish", "topic": "a", "payload": "hi", "qos": 2, "retain": True, "dup": True, "id": 2},
      b"\0\0", b"\x20\1\0", b"\x30\xff\xff\xff\xff\1"], ["publish", None, None, None]),
]  # fmt: skip


@pytest.mark.parametrize(("codec", "messages", "frames", "names"), READ)
def test_what_messages_hold(codec: Codec, messages: list[Message], frames: list[Any], names: list[str | None]) -> None:
    """As many frames as there are, however the messages were cut; what is none of the codec's stays as it is."""
    assert isinstance(codec, Converses)
    dialogue = codec.dialogue()
    read = [frame for message in messages for frame in dialogue.received(message).frames]
    assert read == frames
    assert [codec.type_of(frame) if isinstance(frame, dict) else None for frame in read] == names


WRITTEN: list[tuple[Codec, dict[str, Any], tuple[Message, ...]]] = [
    (EngineIo(), {"type": "connect", "data": {"token": "t"}}, ('40{"token": "t"}',)),
    (EngineIo(), {"type": "connect", "namespace": "/a"}, ("40/a,",)),
    (EngineIo(), {"event": "chat", "args": [1], "id": 2}, ('422["chat", 1]',)),
    (EngineIo(), {"event": "img", "args": [{"in": {"$hex": "ff"}}]},
     ('451-["img", {"in": {"_placeholder": true, "num": 0}}]', b"\xff")),
    (EngineIo(), {"type": "ack", "id": 1, "args": [{"$hex": "ff"}]},
     ('461-1[{"_placeholder": true, "num": 0}]', b"\xff")),
    (EngineIo(), {"type": "disconnect"}, ("41",)),
    (EngineIo(), {"type": "ping", "data": "probe"}, ("2probe",)),
    (EngineIo(), {"type": "upgrade"}, ("5",)),
    (EngineIo(socket_io=False), {"type": "message", "data": "hi"}, ("4hi",)),
    (EngineIo(), {"type": "message", "data": {"$hex": "ff"}}, (b"\xff",)),
    (Phoenix(), {"topic": "r", "event": "phx_join", "join_ref": "1", "ref": "1"}, ('["1", "1", "r", "phx_join", {}]',)),
    (Phoenix(), {"topic": "r", "event": "e", "join_ref": "1", "ref": "2", "payload": {"$hex": "ff"}},
     (b"\x00\x01\x01\x01\x0112re\xff",)),
    (SignalR(), {"protocol": "json", "version": 1}, ('{"protocol": "json", "version": 1}\x1e',)),
    (ActionCable(), {"command": "message", "identifier": {"channel": "C"}, "data": {"action": "a"}},
     ('{"command":"message","identifier":"{\\"channel\\":\\"C\\"}","data":"{\\"action\\":\\"a\\"}"}',)),
    (Stomp(), {"command": "CONNECT", "headers": {"login": "a:b"}}, ("CONNECT\nlogin:a:b\n\n\0",)),
    (Stomp(), {"command": "SEND", "headers": {"a:b": "c\n\\"}, "body": "x"}, ("SEND\na\\cb:c\\n\\\\\n\nx\0",)),
    (Stomp(), {"command": "SEND", "body": {"$hex": "ff00"}}, (b"SEND\ncontent-length:2\n\n\xff\0\0",)),
    (Stomp(json_body=True), {"command": "SEND", "body": [1]}, ("SEND\n\n[1]\0",)),
    (Nats(), {"op": "CONNECT", "options": {"verbose": False}}, (b'CONNECT {"verbose": false}\r\n',)),
    (Nats(), {"op": "PUB", "subject": "a", "reply": "r", "payload": "é"}, (b"PUB a r 2\r\n\xc3\xa9\r\n",)),
    (Nats(), {"op": "HPUB", "subject": "a", "headers": {"A": ["b", "c"]}, "payload": "hi"},
     (b"HPUB a 24 26\r\nNATS/1.0\r\nA: b\r\nA: c\r\n\r\nhi\r\n",)),
    (Nats(), {"op": "SUB", "subject": "a.>", "queue": "q", "sid": 1}, (b"SUB a.> q 1\r\n",)),
    (Nats(), {"op": "UNSUB", "sid": 1}, (b"UNSUB 1\r\n",)),
    (Nats(), {"op": "PING"}, (b"PING\r\n",)),
    (Mqtt(), {"packet": "connect", "client_id": "a", "keep_alive": 5, "username": "u", "password": "p",
              "will": {"topic": "w", "payload": "x", "qos": 1, "retain": True}},
     (b"\x10\x19\0\4MQTT\4\xee\0\5\0\1a\0\1w\0\1x\0\1u\0\1p",)),
    (Mqtt(), {"packet": "subscribe", "id": 1, "topics": [{"topic": "a", "qos": 1}]}, (b"\x82\6\0\1\0\1a\1",)),
    (Mqtt(), {"packet": "publish", "topic": "a", "payload": "x" * 125}, (b"\x30\x80\1\0\1a" + b"x" * 125,)),
    (Mqtt(), {"packet": "disconnect"}, (b"\xe0\0",)),
]  # fmt: skip


@pytest.mark.parametrize(("codec", "frame", "messages"), WRITTEN)
def test_what_frames_are_written_as(codec: Codec, frame: dict[str, Any], messages: tuple[Message, ...]) -> None:
    """In one message, or where bytes take some of their own, in several."""
    assert (codec.messages(frame) if isinstance(codec, WritesSeveral) else (codec.encode(frame),)) == messages
    if len(messages) > 1:
        with pytest.raises(ValueError, match="messages of their own"):
            codec.encode(frame)


NONSENSE: list[tuple[Codec, dict[str, Any]]] = [
    (EngineIo(), {}),
    (EngineIo(), {"type": "shout"}),
    (EngineIo(), {"event": 1}),
    (EngineIo(), {"event": "a", "args": "b"}),
    (EngineIo(), {"event": "a", "id": "b"}),
    (EngineIo(), {"event": "a", "text": "b"}),
    (EngineIo(), {"event": "a", "namespace": "b"}),
    (EngineIo(), {"event": "a", "args": [{"$hex": "x"}]}),
    (EngineIo(), {"type": "pong", "data": 1}),
    (EngineIo(), {"type": "pong", "text": "a"}),
    (Phoenix(), {"topic": "a"}),
    (Phoenix(), {"topic": "a", "event": "b", "text": "c"}),
    (Phoenix(), {"topic": "a" * 256, "event": "b", "payload": {"$hex": "00"}}),
    (Stomp(), {"headers": {}}),
    (Stomp(), {"command": "SEND", "body": {"n": 1}}),
    (Stomp(), {"command": "SEND", "text": "a"}),
    (Nats(), {"op": "MSG"}),
    (Nats(), {"op": "PUB"}),
    (Nats(), {"op": "PUB", "subject": "a b"}),
    (Nats(), {"op": "PUB", "subject": "a", "payload": 1}),
    (Nats(), {"op": "PING", "subject": "a"}),
    (Mqtt(), {}),
    (Mqtt(), {"packet": "publish"}),
    (Mqtt(), {"packet": "publish", "topic": 1}),
    (Mqtt(), {"packet": "publish", "topic": "a", "qos": 3}),
    (Mqtt(), {"packet": "publish", "topic": "a", "payload": 1}),
    (Mqtt(), {"packet": "puback", "id": 70000}),
    (Mqtt(), {"packet": "puback", "id": 1, "text": "a"}),
    (Mqtt(), {"packet": "suback", "id": 1, "codes": [256]}),
]


@pytest.mark.parametrize(("codec", "frame"), NONSENSE)
def test_a_frame_that_cannot_be_written_is_told(codec: Codec, frame: dict[str, Any]) -> None:
    """As a `ValueError`, of which the driver makes a mistake of the file."""
    with pytest.raises(ValueError, match=r"."):
        codec.messages(frame) if isinstance(codec, WritesSeveral) else codec.encode(frame)


@pytest.mark.parametrize(
    ("codec", "message", "answers", "frames"),
    [
        (EngineIo(), "2", ("3",), 0),
        (EngineIo(), "2probe", ("3probe",), 0),
        (Nats(), b"PING\r\nPONG\r\n", (b"PONG\r\n",), 1),
        (Mqtt(), b"\x32\6\0\1a\0\1x", (b"\x40\2\0\1",), 1),
        (Mqtt(), b"\x34\6\0\1a\0\1x", (b"\x50\2\0\1",), 1),
        (Mqtt(), b"\x50\2\0\1", (b"\x62\2\0\1",), 0),
        (Mqtt(), b"\x62\2\0\1", (b"\x70\2\0\1",), 0),
    ],
)
def test_what_a_client_answers_by_itself(
    codec: Converses, message: Message, answers: tuple[Message, ...], frames: int
) -> None:
    """At once, and what it answers is no frame where nobody could expect it."""
    brought = codec.dialogue().received(message)
    assert brought.answers == answers
    assert len(brought.frames) == frames


def test_what_a_client_says_at_intervals() -> None:
    """From when the protocol has it, and as often as both sides agree."""
    signalr = SignalR(keep_alive_s=5).dialogue()
    beats = [signalr.beat]
    signalr.sent({"protocol": "json", "version": 1})
    assert [*beats, signalr.beat] == [None, Beat('{"type": 6}\x1e', 5)]
    assert Phoenix(heartbeat_s=7).dialogue().beat == Beat('[null, "heartbeat", "phoenix", "heartbeat", {}]', 7)
    mqtt = Mqtt().dialogue()
    beats = [mqtt.beat]
    mqtt.sent({"packet": "connect", "keep_alive": 10})
    assert [*beats, mqtt.beat] == [None, Beat(b"\xc0\0", 5)]
    for codec in (SignalR(keep_alive_s=0), Phoenix(heartbeat_s=0), Mqtt(), EngineIo(), Nats(), ActionCable()):
        assert isinstance(codec, Converses)
        silent = codec.dialogue()
        silent.sent({"packet": "connect", "keep_alive": 0})
        assert silent.beat is None


@pytest.mark.parametrize(
    ("ours", "theirs", "every_s"),
    [
        ("1000,0", "0,4000", 2.0),
        ("4000,0", "0,1000", 2.0),
        ("0,9", "9,9", None),
        ("9,9", "9,0", None),
        ("x", "9,9", None),
    ],
)
def test_heart_beats_are_what_both_sides_agree_on(ours: str, theirs: str, every_s: float | None) -> None:
    """The rarer of both, and sent twice as often."""
    dialogue = Stomp().dialogue()
    dialogue.sent({"command": "CONNECT", "headers": {"heart-beat": ours}})
    assert dialogue.received(f"CONNECTED\nheart-beat:{theirs}\n\n\0") != Received()
    assert dialogue.beat == (None if every_s is None else Beat("\n", every_s))
