"""What is compared of a conversation, and what is left out because it differs in every run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge.canonical import connections, frame_type, line, lines
from envparity.judge.normalise import report_paths
from envparity.judge.volatile import Placeholders, same_but_for_ids, steady
from envparity.observe.frame import BinaryFrame, Frame, JsonFrame, TextFrame
from envparity.observe.transcript import SilenceKept
from tests.envparity.judge.builders import (
    BACKEND,
    WELCOME,
    close,
    control,
    document,
    handshake,
    received,
    report,
    sent,
    timed_out,
    transcript,
)
from tests.envparity.judge.normalised import M1

M2 = "8d9f7a36-0e3c-4a37-9d8b-0123456789ab"


# Conversations.


def said(*entries: Any, connection: str = "a", **changes: Any) -> list[str]:
    return [str(item) for item in connections(BACKEND, transcript(*entries, **changes))[connection]]


def test_ids_are_numbered_where_they_first_occur() -> None:
    """Two that are the same stay the same; a moment has no number."""
    frame = {"type": "x", "run_id": M1, "text": f"{M1} {M2}", "server_time": "2025-09-08T01:17:51Z", "n": 7}
    assert said(
        received(frame), received({"type": "y", "run_id": M2, "connection_id": "c9", "other": "0123456789abcdef"})
    ) == [
        'received x: n 7, run_id "<run_id:1>", server_time "<server_time>", text "<run_id:1> <uuid:1>"',
        'received y: connection_id "<connection_id:1>", other "<hex:1>", run_id "<uuid:1>"',
    ]


def test_volatile_fields_of_any_kind() -> None:
    """A number or a word has no number of its own; null stays null; a list is one under its name."""
    frame = {"type": "x", "server_time": 17.5, "run_id": None, "connection_id": [M1, M1]}
    (text,) = said(received(frame))
    assert text.startswith('received x: connection_id.0 "<connection_id:1>", connection_id.1 "<connection_id:1>", ')
    assert text.endswith(', run_id null, server_time "<server_time>"')
    backend = replace(BACKEND, volatile=("token",))
    items = connections(
        backend, transcript(received({"type": "x", "token": "soon"}), received({"type": "y", "token": M1}))
    )
    assert [str(item) for item in items["a"]] == ['received x: token "<token>"', 'received y: token "<token:1>"']


def test_generated_values_go_by_their_names_and_captured_content_is_compared() -> None:
    """Longest first; a short one only where it is all of a text; an answer that was captured is not generated."""
    names = {
        "user-anna": "<user:anna>",
        "user-anna-2": "<user:ben>",
        "7": "<user:c>",
        "42 in all": "<answer>",
        M1: "<m>",
    }
    frame = {"type": "x", "a": "user-anna-2!", "b": "7", "c": "7 of 9", "d": "42 in all", "e": M1, "run_id": M1}
    assert said(received(frame), names=names) == [
        'received x: a "<user:ben>!", b "<user:c>", c "7 of 9", d "42 in all", e "<m>", run_id "<m>"'
    ]


def test_runs_of_equal_entries_are_one() -> None:
    """A flood of 300 is the same as one of 100; the numbers of seconds and the replica are incidental."""
    pong = received({"type": "pong"})
    expected = ['handshake: status 101, subprotocol "v1"', "received pong", 'received error: code "x"', "received pong"]
    for count in (1, 300):
        script = (handshake(replica=count), *[pong] * count, received({"type": "error", "code": "x"}), pong)
        assert said(*script) == expected
    items = connections(BACKEND, transcript(pong, pong, pong))["a"]
    assert (items[0].times, len(items)) == (3, 1)


def test_control_silence_and_timeout() -> None:
    """What was done shows, how long it took does not."""
    done = control("stopped", exit_code=0, seconds=3)
    assert said(done, SilenceKept(0.1, "a", "message", 0.3), timed_out("x")) == [
        'control: exit_code 0, stopped "a"',
        "silence",
        'timeout: waited_for "x"',
    ]


def test_connections_are_told_apart() -> None:
    """Their entries may interleave in any way, and each numbers its own."""
    talk = [received({"type": "x", "run_id": M1}), received({"type": "x", "run_id": M2}, "b")]
    forth, back = (connections(BACKEND, transcript(*entries)) for entries in (talk, talk[::-1]))
    assert forth == back
    assert str(forth["b"][0]) == 'received x: run_id "<run_id:1>"'


def test_frames_without_a_type() -> None:
    """Text and bytes are what they are; anything else is a frame."""
    held: list[dict[str, object]] = [{"a": 1}, {}, {"type": 3}, {"text": "x"}, WELCOME]
    frames: list[Frame] = [JsonFrame(value) for value in held]
    assert [frame_type(BACKEND, frame) for frame in [TextFrame("x"), BinaryFrame.of(b"abc"), *frames]] == [
        "text", "bytes", "frame", "frame", "frame", "frame", "connection_established",
    ]  # fmt: skip
    assert said(received({"type": "x", "empty": {}, "list": []})) == ["received x: empty {}, list []"]
    assert said(received({})) == ["received frame"]


def test_a_line_is_an_entry_as_it_was() -> None:
    """Long ones are cut, and connections are named where there are several."""
    assert line(handshake(403, subprotocol=None)) == "handshake 403"
    assert line(close(1013, "startup_failed:postgres")) == "close 1013 startup_failed:postgres by the server"
    assert line(close(1000, by="client")) == "close 1000 by the client"
    assert line(sent({"pad": "x" * 400})).endswith("xxx…")
    assert len(line(sent({"pad": "x" * 400}))) == 201
    assert lines(transcript(handshake(), received({"type": "a"}), close()), 2) == (
        'received {"type": "a"}',
        "close 1000 by the server",
    )
    assert lines(transcript(handshake(), close(connection="b")), 5)[1] == "b: close 1000 by the server"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("at 2025-09-08 01:17 or 2025-09-08T01:17:51.123+02:00", "at <time> or <time>"),
        (f"{M1} and {M2}", "<uuid> and <uuid>"),
        (
            "bug 1f3a5b7c, release 20250908, word deadbeef, 0123456789ab",
            "bug <hex>, release 20250908, word deadbeef, <hex>",
        ),
        (
            "127.0.0.1:5432 10.1.2.33:1 10.1.2.133:22 localhost:80",
            "127.0.0.1:<port> 10.1.2.33:<port> 10.1.2.133:<port> localhost:<port>",
        ),
    ],
)
def test_steady_texts(text: str, result: str) -> None:
    """The same in every run that means the same."""
    assert steady(text) == result
    assert json.loads(json.dumps(Placeholders().leaf("x", 7))) == 7


def test_binary_frames_are_compared_by_their_content() -> None:
    """Two answers of the same length are not the same answer."""
    first, again, other = (received(BinaryFrame.of(held)) for held in (b"\x00\x01", b"\x00\x01", b"\x00\x02"))
    assert said(first) == said(again) != said(other)


def test_how_long_something_took_is_no_difference_in_a_sentence() -> None:
    """`within 2 s` here and `after 2.03 s` there are one failure; a value that is a time by itself is a value."""
    said = [f"postgres did not answer within {took}, gave up" for took in ("2 s", "2.03 s", "1900 ms")]
    tables = [report_paths(report(document(note=text, limit="2 s")), BACKEND) for text in said]
    assert {table["report.note"] for table in tables} == {'"postgres did not answer within <duration>, gave up"'}
    assert report_paths(report(document(limit="30s")), BACKEND)["report.limit"] == '"30s"'


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("89848128-0f3b5a7c9d1e2f3a4b5c6d7e", "0f3b5a7c-89848128123456789012345f"),
        ("beefcafe-0f3b5a7c9d1e2f3a4b5c6d7e", "12345678-feedfacefeedfacefeedfac1"),
        ("of 0123abcd-4567-89ef-0123-456789abcdef", "of 99999999-4567-89ef-0123-456789abcdef"),
    ],
)
def test_an_id_is_one_whichever_of_its_groups_looks_like_a_number(first: str, second: str) -> None:
    assert steady(first) == steady(second)
    assert "<" in steady(first)


@pytest.mark.parametrize("text", ["1234-5678-9012-3456-7890", "dead-beef", "2026-11-28", "cafe-face-fade"])
def test_numbers_and_words_that_are_joined_are_no_id(text: str) -> None:
    assert steady(text) == text


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("order <hex:1>", "order 89848128", True),
        ("order <hex:1>", "order beefcafe", True),
        ("order 89848128", "order 89848129", False),
        ("order <hex:1>", "order 12", False),
        ("order <hex:1>", "none", False),
    ],
)
def test_an_id_that_is_a_plain_number_this_time_is_an_id(before: str, after: str, same: bool) -> None:
    """One of forty random ids of eight hexadecimal digits has no letter."""
    assert same_but_for_ids(before, after) is same
