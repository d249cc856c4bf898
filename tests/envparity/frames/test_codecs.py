"""Codecs: what a message says, and that it is written as it is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.conversation.wire import FrameReading
from envparity.errors import ConfigurationError
from envparity.frames.codec import Codec
from envparity.frames.json_codec import AnyJson, JsonObjects
from envparity.frames.raw import Binary, Text
from envparity.observe.frame import BinaryFrame, JsonFrame, TextFrame

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON)
def test_any_json_is_read_as_it_was_written(value: Any) -> None:
    """Objects, lists and what is neither, also an object that looks like what stands for another."""
    import json

    for codec in (AnyJson(), JsonObjects()):
        frame = codec.decode(json.dumps(value))
        if frame is not None:
            assert json.loads(codec.encode(frame)) == value
        else:
            assert isinstance(codec, JsonObjects)
            assert not isinstance(value, dict)


@given(text=st.text(), data=st.binary())
def test_texts_and_bytes_are_read_as_they_were_written(text: str, data: bytes) -> None:
    """Each by its own codec, and by no other."""
    for codec, message, other in ((Text(), text, data), (Binary(), data, text)):
        frame = codec.decode(message)
        assert frame is not None
        assert codec.encode(frame) == message
        assert codec.decode(other) is None


@pytest.mark.parametrize(
    ("codec", "frame", "named"),
    [
        (JsonObjects(), {"kind": "ping", "type": "x"}, "ping"),
        (JsonObjects("/type"), {"kind": "ping", "type": "x"}, "x"),
        (JsonObjects("/header/type"), {"header": {"type": "x"}}, "x"),
        (JsonObjects("/0/a~1b"), {"0": {"a/b": "x"}}, "x"),
        (JsonObjects("/a/1"), {"a": ["x", "y"]}, "y"),
        (JsonObjects("/a/b"), {"a": "x"}, None),
        (AnyJson(), {"json": [1]}, "json"),
        (AnyJson(), {"kind": "ping"}, "ping"),
        (Text(), {"text": "hello"}, "text"),
        (Binary(), {"hex": "00"}, "bytes"),
    ],
)
def test_what_a_frame_says_that_it_is(codec: Codec, frame: dict[str, Any], named: str | None) -> None:
    """By the codec, else by the field of the backend's file; recorded where that field does not say it."""
    reading = FrameReading(codec, "kind")
    assert reading.type_of(JsonFrame(frame)) == named
    recorded = reading.of(frame)
    assert (recorded.type or frame.get("kind")) == named
    assert not recorded.type or recorded.type != frame.get("kind")


def test_what_the_codec_does_not_read_is_kept_as_it_is() -> None:
    """Text as text, bytes as bytes."""
    reading = FrameReading(JsonObjects(), "type")
    assert reading.frame("[1]") == TextFrame("[1]")
    assert reading.frame(b"{}") == BinaryFrame.of(b"{}")
    assert reading.type_of(TextFrame("text")) is None


def test_a_frame_that_cannot_be_written_is_a_mistake() -> None:
    """Of the file: a scenario sends what the codec has no message for."""
    bad: tuple[tuple[Text | Binary, dict[str, object]], ...]
    bad = ((Text(), {"text": "a", "b": 1}), (Binary(), {"hex": "xyz"}))
    for codec, frame in bad:
        with pytest.raises(ConfigurationError):
            FrameReading(codec, "type").messages(frame)
