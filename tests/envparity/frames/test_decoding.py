"""What a backend may write as JSON: every value can be kept, compared and shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.conversation.machine import Conversation
from envparity.conversation.resolving import ResolvedScenario
from envparity.frames.decoding import DEEPEST, decoded_json, decoded_text
from envparity.judge import canonical
from envparity.judge.traceback import last_raised
from envparity.model.scenario import Scenario
from envparity.observe.transcript import FrameReceived, Transcript
from envparity.support.redaction import Redaction


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [part for value in level if isinstance(value, dict | list) for part in _parts(value)]:
        depth += 1
    return depth


def _parts(value: Mapping[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else value


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('{"text": "cut \\ud83d"}', {"text": "cut \\ud83d"}),
        ('{"\\udc00": 1}', {"\\udc00": 1}),
        ('{"text": "\\ud83d\\ude00"}', {"text": "\U0001f600"}),
        ('{"n": 18446744073709551615}', {"n": 2**64 - 1}),
        ('{"n": 18446744073709551616}', {"n": "18446744073709551616"}),
        ('{"n": -9223372036854775809}', {"n": "-9223372036854775809"}),
        ('{"n": 1e999}', {"n": "1e999"}),
        ('{"type": "a", "type": "b"}', {"type": "b", "type (repeated)": ["a"]}),
    ],
)
def test_what_json_allows_is_kept_in_a_form_that_all_after_it_can_bear(text: str, held: Any) -> None:
    assert decoded_json(text) == held


@pytest.mark.parametrize("text", ["NaN", '{"n": Infinity}', "[" * 100_000, "", '{"n": ' + "9" * 5000 + "}"])
def test_what_cannot_be_read_is_a_value_error_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decoded_json(text)


@pytest.mark.parametrize("levels", [DEEPEST + 1, 900, 20_000])
def test_what_is_nested_deeper_than_can_be_borne_is_the_text_that_it_is(levels: int) -> None:
    held: Any = decoded_json('{"a": ' * levels + "1" + "}" * levels)
    assert _depth(held) == DEEPEST
    for _ in range(DEEPEST):
        held = held["a"]
    assert held == '{"a": ' * (levels - DEEPEST) + "1" + "}" * (levels - DEEPEST)


def test_brackets_in_strings_are_no_depth() -> None:
    deep = '["' + "[{" * 100 + '", ' + "[" * DEEPEST + '"]", {"x": "}\\""}' + "]" * DEEPEST + "]"
    held: Any = decoded_json(deep)
    assert held[0] == "[{" * 100
    for _ in range(DEEPEST - 1):
        held = held[-1]
    assert held[-1] == '["]", {"x": "}\\""}]'


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda under: st.lists(under) | st.dictionaries(st.text(st.characters()), under),
    )
)
def test_every_value_can_be_kept_and_read_again(value: Any) -> None:
    try:
        held: Any = decoded_json(json.dumps(value))
    except ValueError:
        return  # NaN and Infinity, which are no JSON
    assert msgspec.json.decode(msgspec.json.encode(held)) == held


@pytest.mark.parametrize(
    "charset", [None, "utf-8", "hex", "rot13", "base64", "utf-7", "utf-16", "no such", "idna", "\0", "punycode"]
)
@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"+2D0-", b"{}", b"\xed\xa0\xbd", b"\xef\xbb\xbf{}"])
def test_every_body_is_a_text_that_can_be_kept(body: bytes, charset: str | None) -> None:
    assert isinstance(decoded_text(body, charset).encode("utf-8"), bytes)


_HOSTILE = {
    "a type that is a list": '{"type": ["pong"]}',
    "a type that is an object": '{"type": {"a": 1}}',
    "a type that is nothing": '{"type": null}',
    "nested 900 deep": '{"type": ' * 900 + "1" + "}" * 900,
    "a list nested 100,000 deep": "[" * 100_000,
    "half of an emoji": '{"type": "pong", "text": "\\ud83d"}',
    "no number": '{"type": "pong", "n": NaN}',
    "a number beyond 64 bits": '{"type": "pong", "n": 123456789012345678901234567890}',
    "a number without end": '{"n": ' + "9" * 5000 + "}",
    "a name twice": '{"type": "pong", "type": "other"}',
    "escape sequences": '{"type": "\\u001b[2J\\u202e::error::x"}',
    "no object": '"text"',
}


@pytest.mark.parametrize("message", _HOSTILE.values(), ids=_HOSTILE)
def test_a_hostile_frame_is_recorded_compared_and_shown(message: str) -> None:
    conversation = Conversation(Scenario("scenario"), ResolvedScenario({}))
    conversation.received("main", message, 0.1)
    conversation.next(0.2)
    conversation.finish(0.3)
    transcript = conversation.transcript
    assert any(isinstance(event, FrameReceived) for event in transcript.events)
    kept = msgspec.json.decode(msgspec.json.encode(transcript), type=Transcript)
    assert kept == transcript
    assert canonical.lines(kept, 9)
    assert Redaction([("secret", "<s>")]).struct(kept) == transcript


def test_a_log_line_nested_too_deep_says_nothing_of_what_was_raised() -> None:
    line = '{"a": "Traceback (most recent call last):", "b": ' + "[" * 100_000
    assert last_raised([line]) == ()
