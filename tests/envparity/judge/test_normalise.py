"""What is compared of an observation, by path, and what is left out because it differs in every run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge import normalise
from envparity.judge.canonical import connections, frame_type, line, lines
from envparity.judge.normalise import report_paths, setting_of
from envparity.judge.volatile import Placeholders, same_but_for_ids, steady
from envparity.model.environment import Environment, FromSource
from envparity.observe.frame import BinaryFrame, Frame, JsonFrame, TextFrame
from envparity.observe.record import SettingFingerprint
from envparity.observe.transcript import SilenceKept
from tests.envparity.judge.builders import (
    BACKEND,
    WELCOME,
    close,
    control,
    document,
    handshake,
    observation,
    received,
    replica,
    report,
    sent,
    subject,
    timed_out,
    transcript,
)

M1 = "7d9f7a36-0e3c-4a37-9d8b-0123456789ab"
M2 = "8d9f7a36-0e3c-4a37-9d8b-0123456789ab"


def paths(**changes: Any) -> dict[str, str]:
    """The table of a report that is only this."""
    return report_paths(report(changes), BACKEND)


def test_a_whole_observation_is_one_flat_table() -> None:
    """Report, settings and conversation, without a trace of the run."""
    table = normalise(subject(), observation())
    assert table["report.status"] == '"pass"'
    assert table["report.order.1"] == '"redis"'
    assert table["report.steps.auth.requires.0"] == '"redis"'
    assert table["report.checks.redis:tls.redis.observed"] == '"off"'
    assert table["report.settings.LIMIT.value"] == "30"
    assert table["report.failures"] == "[]"
    assert table["fingerprints.LIMIT.value"] == '"30"'
    assert table["fingerprints.LIMIT.source"] == '"environment file"'
    assert table["conversation.chat.0"] == 'handshake: status 101, subprotocol "v1"'
    assert table["conversation.chat.1"] == 'received connection_established: limits.per_minute 30, user_id "user-anna"'
    assert table["conversation.chat.2"] == "sent ping"
    assert table["conversation.chat.4"] == 'close: by "client", code 1000, reason ""'
    assert not any("started" in path or "fingerprint." in path for path in table)


def test_without_a_report_there_is_the_rest() -> None:
    """Another replica's report is asked for by its place."""
    second = observation("local", replica(), replica(document(status="fail")))
    assert normalise(subject(), second, 1)["report.status"] == '"fail"'
    assert not any(path.startswith("report") for path in normalise(subject(), observation(), 3))
    assert not any(path.startswith("report") for path in normalise(subject(), observation("x", replica(startup=None))))


@pytest.mark.parametrize(
    "name",
    ["started", "time", "timestamp", "created_at", "duration_ms", "elapsed", "attempts", "waited_for", "pid", "port",
     "metrics_port", "id", "run_id", "request_id", "latency_ms", "fingerprint", "hash", "server_time"],
)  # fmt: skip
def test_times_durations_attempts_ids_and_ports_are_left_out(name: str) -> None:
    """By name, at any depth, and what the backend's file calls volatile."""
    assert paths(status="pass", inner={name: 1}, list=[{"name": "x", name: 2, "kept": 3}]) == {
        "report.status": '"pass"',
        "report.list.x.kept": "3",
        "report.list.x.name": '"x"',
    }


@pytest.mark.parametrize("name", ["TIME", "timeout_s", "identity", "release_id", "startedly", "report", "porting"])
def test_names_that_only_look_incidental_are_kept(name: str) -> None:
    """A setting is written in capitals; a timeout is a setting too."""
    assert paths(**{name: 1}) == {f"report.{name}": "1"}


def test_an_object_with_an_incidental_name_is_kept() -> None:
    """Only leaves are dropped by name: an object of that name holds more."""
    assert paths(time={"zone": "UTC"}) == {"report.time.zone": '"UTC"'}


@pytest.mark.parametrize(
    ("items", "keys"),
    [
        ([{"name": "b"}, {"name": "a"}], ["b", "a"]),
        ([{"key": "b", "name": "x"}, {"key": "a", "name": "x"}], ["b", "a"]),
        ([{"component": "c", "name": "x"}, {"component": "d", "name": "x"}], ["c:x", "d:x"]),
        ([{"component": "c", "code": "1"}, {"component": "c", "code": "2"}], ["c:1", "c:2"]),
        ([{"component": "c"}, {"component": "d"}], ["c", "d"]),
        ([{"code": "c"}, {"code": "d"}], ["c", "d"]),
        ([{"name": "a"}, {"name": "a"}], ["0", "1"]),
        ([{"name": "a"}, "b"], ["0", "1"]),
        ([{"name": ""}, {"name": 3}], ["0", "1"]),
    ],
)
def test_a_list_is_keyed_by_what_tells_its_elements_apart(items: list[Any], keys: list[str]) -> None:
    """By name, key, component or code; by their place where nothing does."""
    table = paths(list=[{**item, "v": 1} if isinstance(item, dict) else item for item in items])
    assert list(dict.fromkeys(path.split(".")[2] for path in table)) == keys


def test_a_dot_in_a_key_is_quoted() -> None:
    """So that two keys never read as one path."""
    assert paths(**{"a.b": 1, "a": {"b": 2}}) == {'report."a.b"': "1", "report.a.b": "2"}


def test_values_keep_their_kind_and_lose_what_is_volatile() -> None:
    """1 is not "1"; moments, uuids and ports of addresses are the run's; hexadecimal digits may be a release."""
    table = paths(
        a=1, b="1", c=None, d=[], e={}, f=f"{M1} at 2025-09-08T01:17:51Z", g="http://localhost:54321/x 10.0.0.7:80",
        h="deadbeef1234", i="redis:6379",
    )  # fmt: skip
    assert table == {
        "report.a": "1", "report.b": '"1"', "report.c": "null", "report.d": "[]", "report.e": "{}",
        "report.f": '"<uuid> at <time>"', "report.g": '"http://localhost:<port>/x 10.0.0.7:<port>"',
        "report.h": '"deadbeef1234"', "report.i": '"redis:6379"',
    }  # fmt: skip


def test_settings_may_be_reported_as_an_object() -> None:
    """Then the name is the path; what the launcher makes is named by where it comes from."""
    environment = Environment(name="local", settings={"NET": FromSource("ingress.network"), "GONE": FromSource("a.b")})
    served = {"settings": {"NET": "10.0.0.0/8", "LIMIT": 3, "GONE": None}}
    assert report_paths(report(served), BACKEND, environment) == {
        "report.settings.NET": "<ingress.network>",
        "report.settings.LIMIT": "3",
        "report.settings.GONE": "null",
    }


def test_setting_of() -> None:
    """Which setting a path is about."""
    assert setting_of("fingerprints.LIMIT.value", BACKEND) == "LIMIT"
    assert setting_of("report.settings.LIMIT.source", BACKEND) == "LIMIT"
    assert setting_of("report.settings.LIMIT", BACKEND) == "LIMIT"
    assert setting_of("report.order.0", BACKEND) is None


def test_a_secret_shows_that_it_is_there() -> None:
    """Never its value, also where a backend serves it."""
    table = paths(
        settings=[{"name": "KEY", "secret": True, "value": "hunter2"}, {"name": "B", "secret": True, "value": None}]
    )
    assert table["report.settings.KEY.value"] == '"<secret>"'
    assert table["report.settings.B.value"] == "null"
    given = observation(settings=(SettingFingerprint("KEY", "secret", "abc"),))
    assert normalise(subject(), given)["fingerprints.KEY.source"] == '"secret"'
    assert "fingerprints.KEY.value" not in normalise(subject(), given)


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
