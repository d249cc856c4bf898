"""What a recording says of itself: its codec, whose its values are, and the steps that say them. No network."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from envparity.model.backend import Backend
from envparity.recording.contract import contract_document, inferred
from envparity.recording.credentials import note_credentials
from envparity.recording.drafting import Draft, drafted
from envparity.recording.events import (
    Event,
    HttpExchange,
    MessageReceived,
    MessageSent,
    Recording,
    WebSocketClosed,
    WebSocketOpened,
)
from envparity.recording.reading_values import read_values
from envparity.recording.speech import likely_speech
from envparity.recording.tables import scenario_of, scenario_table, step_tables
from envparity.recording.trial import trial_of
from envparity.recording.values import Values
from tests.envparity.recording.conversing import at

ID = "8b6f1a5e-3c49-4f0a-9d57-1f0e6a2b7c11"
OTHER = "0d9e7a52-6a55-4d3d-8e0a-5b1c2d3e4f50"


def recording_of(*events: Event) -> Recording:
    """These events, a tenth of a second apart."""
    numbered = [msgspec.structs.replace(event, at_s=number / 10) for number, event in enumerate(events)]
    return Recording(numbered)


def draft_of(*events: Event, settings: dict[str, str] | None = None, names_users: bool = True) -> tuple[Draft, Values]:
    """The steps of these events, which a file could hold."""
    trial = trial_of(recording_of(*events), None, at(1), "recorded", settings or {})
    values = Values(names_users=names_users)
    shown = note_credentials(trial.turns, values, trial.backend, trial.settings)
    read_values(values, trial.turns)
    draft = drafted(trial.turns, values, trial.speech, trial.backend, shown)
    scenario_of(scenario_table("recorded", step_tables(draft.steps, trial.speech)), None, None)
    return draft, values


def tables_of(*events: Event, **options: Any) -> list[dict[str, Any]]:
    """The same as tables."""
    return [step.table for step in draft_of(*events, **options)[0].steps]


OPENED = WebSocketOpened(target="/ws", headers=(("Host", "127.0.0.1:1"),))

SPEECHES = [
    ("json", "kind", '{"kind": "hello"}', '{"kind": "welcome", "name": "ada"}'),
    ("json", "type", '{"a": 1}', '{"b": 2}'),
    ("any-json", "type", "[1, 2]", '{"type": "x"}'),
    ("text", "type", "PING", "PONG 1"),
    ("engine-io", "type", "40", '0{"sid":"a1b2c3d4","pingInterval":25000}'),
    ("signalr", "type", '{"protocol":"json","version":1}\x1e', "{}\x1e"),
    ("phoenix", "type", '["1","1","room:a","phx_join",{}]', '["1","1","room:a","phx_reply",{"status":"ok"}]'),
    ("nats", "type", "CONNECT {}\r\n", 'INFO {"server_id":"x"}\r\n'),
]


@pytest.mark.parametrize(("codec", "field", "sent", "heard"), SPEECHES)
def test_a_codec_is_known_by_what_is_said(codec: str, field: str, sent: str, heard: str) -> None:
    """By the backend's first words where a protocol has some, and else by what all messages are."""
    speech = likely_speech(recording_of(OPENED, MessageReceived(text=heard), MessageSent(text=sent)))
    assert (speech.name, speech.frame_type) == (codec, field)


@pytest.mark.parametrize(
    ("subprotocol", "codec"), [("mqtt", "mqtt"), ("v12.stomp", "stomp"), ("actioncable-v1-json", "action-cable")]
)
def test_a_codec_is_known_by_its_subprotocol(subprotocol: str, codec: str) -> None:
    """Whatever is said then."""
    opened = msgspec.structs.replace(OPENED, subprotocol=subprotocol)
    assert likely_speech(recording_of(opened, MessageReceived(text="x"))).name == codec


def test_bytes_alone_are_binary_and_a_type_may_stand_deeper() -> None:
    """Where no field of all frames says what they are, but a header in them does."""
    assert (
        likely_speech(recording_of(OPENED, MessageSent(base64=b"\0"), MessageReceived(base64=b"\1"))).name == "binary"
    )
    frames = [MessageReceived(json={"header": {"msg_type": name}, "n": 1}) for name in ("status", "stream")]
    assert likely_speech(recording_of(OPENED, *frames)).table == {"type": "/header/msg_type"}


def test_numbers_that_the_backend_gives_are_captured_by_their_names() -> None:
    """In a frame and in a path; a number that only looks alike is none."""
    tables = tables_of(
        HttpExchange(request="POST /rooms", status=200, answer='{"room": {"id": 7}, "size": 3}'),
        msgspec.structs.replace(OPENED, target="/rooms/7"),
        MessageReceived(json={"type": "welcome", "member_id": 12, "limit": 3}),
        MessageSent(json={"type": "get", "member_id": 12, "limit": 3}),
    )
    assert tables[0]["capture"] == {"id": "/room/id"}
    assert tables[1]["path"] == "/rooms/{id}"
    assert tables[2]["capture"] == {"member_id": "/member_id"}
    assert tables[3]["send"] == {"type": "get", "member_id": "{member_id}", "limit": 3}


def test_what_the_client_counts_is_a_counter() -> None:
    """From one on, in every frame that has it; what is not counted is what it was."""
    calls = [MessageSent(json={"id": number, "method": "m", "at": 5}) for number in (1, 2, 3)]
    tables = tables_of(OPENED, *calls)
    assert [step["send"]["id"] for step in tables[1:4]] == ["{counter:id}"] * 3
    assert tables[1]["send"]["at"] == 5


def test_ids_and_names_of_the_client_are_made_anew() -> None:
    """One placeholder for each; where names cannot be made up, they stay; a time is what it was."""
    said = MessageSent(json={"type": "hi", "id": ID, "user": "ada", "at": "2026-01-01T00:00:00Z"})
    again = MessageSent(json={"type": "hi", "id": ID, "to": OTHER, "user": "bob"})
    first, second = (step["send"] for step in tables_of(OPENED, said, again)[1:3])
    assert first == {"type": "hi", "id": "{uuid:id}", "user": "{user}", "at": "2026-01-01T00:00:00Z"}
    assert second == {"type": "hi", "id": "{uuid:id}", "to": "{uuid:to}", "user": "{user:user2}"}
    assert tables_of(OPENED, said, names_users=False)[1]["send"]["user"] == "ada"


def test_cookies_come_with_the_request_that_sets_them() -> None:
    """A page that sets one is needed then; one that the client had before is a setting."""
    page = HttpExchange(request="GET /", answer_headers=(("Set-Cookie", "session=abcdef0123456789; Path=/; HttpOnly"),))
    plain = HttpExchange(request="GET /style.css", answer="a{}")
    cookies = (("Cookie", "session=abcdef0123456789; old=gh-secret-99"),)
    opened = msgspec.structs.replace(OPENED, headers=cookies)
    draft, values = draft_of(page, plain, opened)
    tables = [step.table for step in draft.steps]
    assert tables == [
        {"http": "GET /", "cookies": True},
        {"connect": "none", "cookies": {"old": "{setting:COOKIE_OLD}"}},
        {"close": 1000},
    ]
    assert values.settings == {"COOKIE_OLD": "gh-secret-99"}


def test_what_opens_something_is_a_setting_wherever_it_is_said() -> None:
    """In a form, a query, a frame; what a file of settings has is called by its name there."""
    login = HttpExchange(
        request="POST /login", status=303, body="user=ada&password=correct+horse",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
    )  # fmt: skip
    opened = msgspec.structs.replace(OPENED, target="/ws?token=from-the-file-1234")
    said = MessageSent(json={"type": "auth", "api_key": "k-998877665544"})
    tables = tables_of(login, opened, said, settings={"PAGE_TOKEN": "from-the-file-1234"})
    assert tables[0]["form"] == {"user": "{user}", "password": "{setting:PASSWORD}"}
    assert tables[1]["query"] == {"token": "{setting:PAGE_TOKEN}"}
    assert tables[2]["send"]["api_key"] == "{setting:API_KEY}"


def test_a_text_is_a_pattern_in_which_ids_are_groups() -> None:
    """What the client says again is captured, what is made anew may be anything, the rest stands for itself."""
    tables = tables_of(
        OPENED,
        MessageReceived(text="* session a1b2c3d4 at 2026-01-01T10:00:00Z (ok)"),
        MessageSent(text="resume a1b2c3d4"),
        MessageReceived(text="resumed a1b2c3d4"),
    )
    assert tables[1]["expect_text"].startswith(r"^\* session (?P<text>.+?) at ")
    assert "2026" not in tables[1]["expect_text"]
    assert tables[2] == {"send_text": "resume {text}"}
    assert tables[3] == {"expect_text": "^resumed {text}$"}


def test_null_and_braces_are_said_as_text() -> None:
    """TOML has no null, and a scenario would take braces for placeholders."""
    tables = tables_of(OPENED, MessageSent(json={"type": "x", "id": ID, "none": None, "text": 'a "{b}"'}))
    assert tables[1] == {
        "send_text": '{"type": "x", "id": "{uuid:id}", "none": null, "text": "a \\"\\u007bb\\u007d\\""}'
    }


def test_who_closes_is_who_closed() -> None:
    """The backend with its code and reason; a connection that nobody has closed is closed in the end."""
    other = msgspec.structs.replace(OPENED, connection="b")
    tables = tables_of(OPENED, other, WebSocketClosed(by="server", code=4001, reason="enough"))
    assert tables[2:] == [{"expect_close": [4001, "enough"]}, {"close": 1000, "on": "b"}]
    assert tables[1]["on"] == "b"


def test_what_codecs_answer_by_themselves_is_no_step() -> None:
    """The pong of Engine.IO."""
    tables = tables_of(
        OPENED,
        MessageReceived(text='0{"sid":"a1b2c3d4","pingInterval":25000}'),
        MessageSent(text="40"), MessageReceived(text='40{"sid":"e5f6"}'),
        MessageReceived(text="2"), MessageSent(text="3"),
        MessageSent(text='42["say",{"text":"hi"}]'), MessageReceived(text='42["said",{"text":"hi"}]'),
    )  # fmt: skip
    assert [next(iter(step)) for step in tables] == ["connect", "expect", "send", "expect", "send", "expect", "close"]
    assert (tables[4]["send"]["event"], tables[5]["expect"]) == ("say", "said")


def test_frames_of_ignored_types_are_no_steps() -> None:
    """Of a backend's file that says which come when they like."""
    backend = Backend(name="b", file=msgspec.UNSET, ignored_frames=("tick",))  # type: ignore[arg-type]
    events = recording_of(OPENED, MessageReceived(json={"type": "tick"}), MessageReceived(json={"type": "welcome"}))
    trial = trial_of(events, backend, at(1), "recorded", {})
    draft = drafted(trial.turns, Values(), trial.speech, backend, {})
    assert [step.type for step in draft.steps if step.is_expected] == ["welcome"]


def test_a_schema_is_what_all_samples_are() -> None:
    """Types, what all have, formats, words where there are few; numbers of both kinds are numbers."""
    samples = [
        {"id": ID, "n": 1, "state": "busy", "list": [1], "maybe": None},
        {"id": OTHER, "n": 1.5, "state": "idle", "list": []},
        {"id": ID, "n": 2, "state": "busy", "list": ["a"]},
        {"id": ID, "n": 2, "state": "idle", "list": ["a"]},
    ]
    schema = inferred(samples)
    assert schema["required"] == ["id", "n", "state", "list"]
    assert schema["properties"] == {
        "id": {"type": "string", "format": "uuid"},
        "n": {"type": "number"},
        "state": {"type": "string", "enum": ["busy", "idle"]},
        "list": {"type": "array", "items": {"type": ["integer", "string"]}},
        "maybe": {"type": "null"},
    }


def test_a_contract_needs_frames_of_both_sides() -> None:
    """Else there is none, for AsyncAPI says who sends what."""
    trial = trial_of(recording_of(OPENED, MessageReceived(json={"type": "x"})), None, at(1), "r", {})
    assert contract_document(trial.turns, [], trial.speech, "r", "/ws") == {}


def test_a_short_id_stands_for_itself_alone() -> None:
    """What has the same number under another name is another number."""
    tables = tables_of(
        OPENED,
        MessageReceived(json={"type": "joined", "member_id": 2, "limit": 2}),
        MessageSent(json={"type": "leave", "member_id": 2, "count": 2}),
    )
    assert tables[2]["send"] == {"type": "leave", "member_id": "{member_id}", "count": 2}


def test_what_is_recorded_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By number and by bytes; the rest is told."""
    monkeypatch.setattr("envparity.recording.events.MOST_EVENTS", 3)
    monkeypatch.setattr("envparity.recording.events.MOST_BYTES", 10)
    many, big = Recording(), Recording()
    for _ in range(5):
        many.add(OPENED)
        big.add(MessageSent(text="12345"))
    assert [len(many.events), len(many.notes)] == [3, 1]
    assert [len(big.events), len(big.notes)] == [2, 1]
