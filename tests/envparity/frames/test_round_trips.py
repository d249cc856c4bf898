"""Every codec reads what it has written, however it comes over the wire."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.conversation.wire import FrameReading
from envparity.frames.action_cable import ActionCable
from envparity.frames.codec import Codec, Converses
from envparity.frames.engine_io import EngineIo
from envparity.frames.mqtt import Mqtt
from envparity.frames.nats import Nats
from envparity.frames.phoenix import Phoenix
from envparity.frames.signalr import SignalR
from envparity.frames.stomp import Stomp

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAME = st.text(st.sampled_from("abcz.-"), min_size=1, max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(NAME, JSON, max_size=3)
BYTES = st.binary(max_size=6).map(lambda held: {"$hex": held.hex()})
NO_TEXT = st.binary(max_size=6).map(lambda held: {"$hex": b"\xff".hex() + held.hex()})
NUMBER = st.integers(1, 65535)
ARGUMENTS = st.lists(JSON | BYTES | st.dictionaries(NAME, JSON | BYTES, max_size=2), max_size=3)
NAMESPACE = NAME.map(lambda name: f"/{name}")


def frame(optional: dict[str, Any] | None = None, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Frames with these fields: a strategy for each, or what is always there."""
    made = {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fields.items()}
    return st.fixed_dictionaries(made, optional=optional or {})


MORE = {"namespace": NAMESPACE, "id": st.integers(0, 99)}
HEADER = TEXT.filter(lambda text: "\0" not in text)
HEADERS = st.dictionaries(HEADER.filter(lambda name: name not in {"", "content-length"}), HEADER, max_size=3)
BODY = HEADER.filter(bool) | NO_TEXT.filter(lambda held: b"\0" not in bytes.fromhex(held["$hex"]))
FRAMES: dict[str, tuple[Codec, st.SearchStrategy[dict[str, Any]]]] = {
    "engine.io": (
        EngineIo(),
        frame(MORE, type="event", event=TEXT, args=ARGUMENTS)
        | frame(MORE, type="ack", args=ARGUMENTS)
        | frame({"namespace": NAMESPACE, "data": OBJECT}, type=st.sampled_from(["connect", "connect_error"]))
        | frame({"namespace": NAMESPACE}, type="disconnect")
        | frame({"data": TEXT.filter(bool)}, type=st.sampled_from(["close", "pong", "upgrade"]))
        | frame(type="message", data=BYTES)
        | OBJECT.filter(lambda held: "type" not in held).map(lambda held: {"type": "open"} | held),
    ),
    "phoenix": (
        Phoenix(),
        frame(join_ref=st.none() | NAME, ref=st.none() | NAME, topic=NAME, event=NAME, payload=JSON),
    ),
    "signalr": (
        SignalR(),
        frame(type=1, target=NAME, arguments=st.lists(JSON, max_size=3))
        | frame(type=st.sampled_from([2, 3, 7]), item=JSON)
        | OBJECT,
    ),
    "action cable": (
        ActionCable(),
        frame({"data": OBJECT}, command=NAME, identifier=OBJECT) | frame(identifier=OBJECT, message=JSON),
    ),
    "stomp": (
        Stomp(),
        frame({"body": BODY}, command=st.sampled_from(["SEND", "MESSAGE", "RECEIPT"]), headers=HEADERS),
    ),
    "mqtt": (
        Mqtt(),
        frame(packet="publish", topic=TEXT, payload=TEXT | NO_TEXT, qos=0, retain=st.booleans(), dup=st.booleans())
        | frame(packet="publish", topic=TEXT, payload=TEXT | NO_TEXT, qos=st.sampled_from([1, 2]), id=NUMBER,
                retain=st.booleans(), dup=st.booleans())
        | frame(packet="subscribe", id=NUMBER, topics=st.lists(frame(topic=TEXT, qos=st.integers(0, 2)), max_size=3))
        | frame(packet="unsubscribe", id=NUMBER, topics=st.lists(TEXT, max_size=3))
        | frame(packet="suback", id=NUMBER, codes=st.lists(st.integers(0, 255), max_size=3))
        | frame(packet=st.sampled_from(["puback", "pubcomp", "unsuback"]), id=NUMBER)
        | frame(packet="connack", session_present=st.booleans(), code=st.integers(0, 255))
        | frame(packet=st.sampled_from(["pingreq", "disconnect"]))
        | frame({"username": TEXT, "password": TEXT | NO_TEXT,
                 "will": frame(topic=TEXT, payload=TEXT | NO_TEXT, qos=st.integers(0, 2), retain=st.booleans())},
                packet="connect", client_id=TEXT, keep_alive=st.integers(0, 65535), clean_session=st.booleans()),
    ),
}  # fmt: skip
STREAMS = {"stomp", "mqtt", "signalr"}
"""Of which a message may hold several frames, or a piece of one."""


@pytest.mark.parametrize("name", FRAMES)
@given(data=st.data())
def test_what_was_written_is_read(name: str, data: st.DataObject) -> None:
    """The same frames in the same order; of streams also where messages are cut anywhere."""
    codec, one_frame = FRAMES[name]
    assert isinstance(codec, Converses)
    frames = data.draw(st.lists(one_frame, min_size=1, max_size=3))
    messages = [message for held in frames for message in FrameReading(codec, "type").messages(held)]
    if name in STREAMS:
        messages = list(cut(messages, data.draw))
    dialogue = codec.dialogue()
    assert [held for message in messages for held in dialogue.received(message).frames] == frames


def cut(messages: list[str | bytes], draw: Any) -> list[str | bytes]:
    """All that these messages hold, in others: texts where they can be texts all."""
    stream = b"".join(message.encode() if isinstance(message, str) else message for message in messages)
    if all(isinstance(message, str) for message in messages):
        text = stream.decode()
        return [text[start:end] for start, end in pieces(len(text), draw)]
    return [stream[start:end] for start, end in pieces(len(stream), draw)]


def pieces(length: int, draw: Any) -> list[tuple[int, int]]:
    places = sorted(draw(st.lists(st.integers(0, length), max_size=4)))
    return list(zip([0, *places], [*places, length], strict=True))


WORD = st.text(st.sampled_from("abc.>*"), min_size=1, max_size=5)
PUBLISHED = frame(
    {"reply": WORD, "headers": st.dictionaries(NAME, NAME | st.lists(NAME, min_size=2, max_size=3), max_size=2)},
    subject=WORD,
    payload=TEXT | NO_TEXT,
)


@given(frames=st.lists(PUBLISHED, min_size=1, max_size=3), data=st.data())
def test_what_is_published_is_delivered(frames: list[dict[str, Any]], data: st.DataObject) -> None:
    """By a server, which writes MSG for PUB and HMSG for HPUB, with the number of the subscription."""
    codec = Nats()
    stream = b""
    for published in frames:
        message = codec.encode({"op": "HPUB" if "headers" in published else "PUB"} | published)
        assert isinstance(message, bytes)
        line, _, rest = message.partition(b"\r\n")
        op, subject, *arguments = line.split()
        stream += b" ".join([op.replace(b"PUB", b"MSG"), subject, b"1", *arguments]) + b"\r\n" + rest
    dialogue = codec.dialogue()
    read = [
        held for start, end in pieces(len(stream), data.draw) for held in dialogue.received(stream[start:end]).frames
    ]
    expected = [{"op": "HMSG" if "headers" in held else "MSG", "sid": "1"} | held for held in frames]
    assert read == expected


@pytest.mark.parametrize(
    ("codec", "frame", "field"),
    [
        (EngineIo(), {"event": "chat", "args": [{"text": ""}]}, "args.0.text"),
        (EngineIo(), {"event": "chat", "args": ["é", [{"a": [""]}]]}, "args.1.0.a.0"),
        (Phoenix(), {"topic": "a", "event": "b", "payload": {"text": ""}}, "payload.text"),
        (Stomp(), {"command": "SEND", "body": ""}, "body"),
        (Nats(), {"op": "PUB", "subject": "a"}, "payload"),
        (Mqtt(), {"packet": "publish", "topic": "a"}, "payload"),
    ],
)
@pytest.mark.parametrize("size", [100, 500, 70000])
def test_a_frame_is_padded_to_a_size(codec: Codec, frame: dict[str, Any], field: str, size: int) -> None:
    """Also where it says its own length, and where the field is inside of another."""
    reading = FrameReading(codec, "type")
    (message,) = reading.messages(reading.padded(frame, field, size))
    assert len(message.encode() if isinstance(message, str) else message) == size


def test_what_a_frame_is_padded_with_does_not_compress() -> None:
    """PostgreSQL compresses what it puts into an index, and refuses there what is longer than a third of a page."""
    padded = FrameReading(EngineIo(), "type").padded({"event": "chat", "args": [""]}, "args.0", 8000)
    assert len(zlib.compress(json.dumps(padded).encode())) > 6000
    assert padded == FrameReading(EngineIo(), "type").padded({"event": "chat", "args": [""]}, "args.0", 8000)
