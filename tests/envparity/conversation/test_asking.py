"""Steps over HTTP: what is asked, what is taken of an answer, and what is written down of it."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from envparity.conversation import actions
from envparity.conversation.machine import Conversation
from envparity.conversation.resolving import resolve_scenario
from envparity.judge.canonical import connections, event_data, line
from envparity.model.backend import Backend, ImageSource
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Http, Step
from envparity.observe.frame import BinaryFrame, JsonFrame, TextFrame
from envparity.observe.headers import Header
from envparity.observe.transcript import Departure, HandshakeAnswered, HttpAnswered, Transcript

BACKEND = Backend("b", Path("b.toml"), ImageSource())
SETTINGS = {"PASSWORD": "opensesame!", "BASE": "/v1"}
JSON = (("Content-Type", "application/json"),)


def talk(*steps: Step, origin: str = "https://chat.example", prefix: str = "") -> Conversation:
    scenario = Scenario("s", steps=steps)
    numbers = iter(range(1, 99))
    script = resolve_scenario(
        scenario,
        BACKEND,
        SETTINGS,
        origin,
        now_s=1_800_000_000,
        fresh=lambda: uuid.UUID(int=next(numbers)),
        prefix=prefix,
        host=origin.partition("://")[2],
        tls=origin.startswith("https"),
    )
    return Conversation(scenario, script)


def request(playing: Conversation) -> actions.SendRequest:
    action = playing.next(0.1)
    assert isinstance(action, actions.SendRequest), playing.transcript.departure
    return action


def answered(playing: Conversation, status: int = 200, body: object = b"", *headers: tuple[str, str]) -> None:
    """Have the request that is asked for answered."""
    request(playing)
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    playing.responded(actions.HttpResponse(status, headers, encoded, replica=0, answered_by="replica"), 0.2)


def departure(playing: Conversation) -> Departure:
    assert playing.next(0.9) == actions.Finished(departed=True)
    found = playing.transcript.departure
    assert found is not None
    return found


def events(playing: Conversation) -> list[HttpAnswered]:
    assert playing.next(0.9) == actions.Finished(departed=False), playing.transcript.departure
    return [event for event in playing.transcript.events if isinstance(event, HttpAnswered)]


@pytest.mark.parametrize(
    ("step", "kind", "body"),
    [
        (Http("POST /x", json=None), "application/json", b"null"),
        (Http("POST /x", json=[1, {"p": "{setting:PASSWORD}"}]), "application/json", b'[1, {"p": "opensesame!"}]'),
        (
            Http("POST /x", form={"p": "{setting:PASSWORD}", "a b": ("1", 2)}),
            "application/x-www-form-urlencoded",
            b"p=opensesame%21&a+b=1&a+b=2",
        ),
        (Http("PUT /x", body="<{uuid:m}>"), None, b"<00000000-0000-0000-0000-000000000001>"),
        (Http("GET /x"), None, b""),
        (Http("POST /x", json={}, headers={"content-type": "application/vnd.x+json"}), "application/vnd.x+json", b"{}"),
    ],
)
def test_a_request_is_what_the_step_says(step: Http, kind: str | None, body: bytes) -> None:
    """JSON, a form or text, with the type that goes with it unless the step says another."""
    asked = request(talk(step))
    assert (asked.connection, asked.method, asked.target) == ("a", step.method, "/x")
    assert {name.lower(): value for name, value in asked.headers}.get("content-type") == kind
    assert asked.body == body


def test_a_request_goes_behind_the_prefix_with_its_query_and_origin() -> None:
    """As a connection does."""
    step = Http("GET {setting:BASE}/x/{uuid:m}", query={"q": "a b"}, origin="allowed", headers={"X": "{user}"})
    asked = request(talk(step, prefix="/app"))
    assert asked.target == "/app/v1/x/00000000-0000-0000-0000-000000000001?q=a%20b"
    assert dict(asked.headers) == {
        "Origin": "https://chat.example",
        "X": "00000000-0000-0000-0000-000000000002",
    }


def test_what_is_captured_fills_later_steps() -> None:
    """Of the body by pointer or name, of a header, of a cookie."""
    captures = {"kernel": "/id", "deep": "a.0.b", "where": "header:location", "csrf": "cookie:csrf"}
    playing = talk(
        Http("POST /k", capture=captures, cookies=True),
        Http("GET {where}", headers={"X-CSRF": "{csrf}"}, json=["{deep}"]),
        Connect("none", path="/k/{kernel}/ws"),
    )
    body = {"id": "k 1", "a": [{"b": 7}]}
    answered(playing, 200, body, *JSON, ("Location", "/k/1?x=2"), ("Set-Cookie", "csrf=tok; Path=/"))
    asked = request(playing)
    assert (asked.target, asked.body) == ("/k/1?x=2", b"[7]")
    assert dict(asked.headers)["X-CSRF"] == "tok"
    answered(playing)
    opened = playing.next(0.3)
    assert isinstance(opened, actions.Open)
    assert opened.handshake.path == "/k/k%201/ws"
    assert dict(opened.handshake.headers) == {"Cookie": "csrf=tok"}


@pytest.mark.parametrize("place", ["/id", "id.x", "header:Location", "cookie:sid"])
def test_what_cannot_be_captured_departs(place: str) -> None:
    """What was answered is written down first."""
    playing = talk(Http("GET /x", capture={"x": place}, cookies=True))
    answered(playing, 200, {"other": 1}, *JSON)
    assert (departure(playing).kind, departure(playing).step) == ("http", 0)
    assert isinstance(playing.transcript.events[-1], HttpAnswered)


@pytest.mark.parametrize(
    ("step", "status", "body", "kept"),
    [
        (Http("GET /x"), 200, b"", True),
        (Http("GET /x"), 204, b"", False),
        (Http("GET /x", status=(200, 303)), 303, b"", True),
        (Http("GET /x", fields={"a.b": 1, "c": "{any}"}), 200, {"a": {"b": 1}, "c": [2]}, True),
        (Http("GET /x", fields={"a.b": 1}), 200, {"a": {"b": 2}}, False),
        (Http("GET /x", fields={"0": 1}), 200, [1, 2], True),
        (Http("GET /x", fields={"a": 1}), 200, b"no json", False),
    ],
)
def test_an_answer_is_held_against_the_step(step: Http, status: int, body: object, kept: bool) -> None:
    """Its status, and what must be part of its JSON."""
    playing = talk(step)
    answered(playing, status, body)
    if kept:
        events(playing)
    else:
        assert departure(playing).kind == "http"


def test_no_answer_departs() -> None:
    """With its reason, or after its deadline."""
    playing = talk(Http("GET /x", status=(200, 500)))
    request(playing)
    playing.responded(actions.HttpResponse(0, error="Connection refused"), 0.2)
    assert departure(playing).got == "no HTTP answer: Connection refused"
    playing = talk(Http("GET /x", within_s=2))
    assert request(playing).timeout_s == 2.0
    playing.timed_out(2.0)
    assert (departure(playing).kind, departure(playing).got) == ("timeout", "nothing")


def test_a_client_keeps_cookies_where_it_is_said() -> None:
    """For its own requests and its own connection, each as its path and site allow; what stays is told why."""
    login = Http("POST /login", cookies=True)
    playing = talk(
        login,
        Http("GET /other", cookies=True),
        Http("GET /none"),
        Http("GET /b", on="b", cookies=True),
        Connect("none", cookies={"lang": "en"}),
        Connect("none", on="c"),
    )
    session = ("Set-Cookie", "session=opensesame; Path=/; HttpOnly")
    answered(playing, 200, b"", session, ("Set-Cookie", "here=1; Path=/other"), ("Set-Cookie", "away=2; Domain=x.org"))
    assert dict(request(playing).headers) == {"Cookie": "here=1; session=opensesame"}
    answered(playing)
    for _ in range(2):
        assert request(playing).headers == ()
        answered(playing)
    opened = playing.next(0.3)
    assert isinstance(opened, actions.Open)
    assert opened.handshake.headers == (("Cookie", "session=opensesame; lang=en"),)
    playing.opened(HandshakeAnswered(0.4, "a", "accept", 101, sent=(Header("Cookie", "session=opensesame"),)))
    opened = playing.next(0.5)
    assert isinstance(opened, actions.Open)
    assert opened.handshake.headers == ()
    playing.opened(HandshakeAnswered(0.6, "c", "accept", 101))
    first, *_ = events(playing)
    assert [cookie.name for cookie in first.cookies if cookie.refused] == ["away"]
    handshake = next(event for event in playing.transcript.events if isinstance(event, HandshakeAnswered))
    (withheld,) = handshake.withheld
    assert withheld.startswith("here: Path=/other")
    assert withheld in line(handshake)
    assert "opensesame" not in repr(playing.transcript)


def test_no_secret_of_an_answer_is_written_down() -> None:
    """A token in its JSON is one by its name, wherever it goes later; a captured one by either name."""
    playing = talk(
        Http("POST /login", capture={"t": "/accessToken"}),
        Http("GET /x?t={t}", headers={"Authorization": "Bearer {t}"}),
    )
    answered(playing, 200, {"accessToken": "abcdefgh12345", "deep": [{"refresh_token": "zyxwvuts98765"}]}, *JSON)
    assert "abcdefgh12345" in request(playing).target
    answered(playing, 200, b"abcdefgh12345 zyxwvuts98765")
    first, second = events(playing)
    assert "12345" not in repr(playing.transcript)
    assert "98765" not in repr(playing.transcript)
    assert isinstance(first.body, JsonFrame)
    assert isinstance(second.body, TextFrame)


def test_a_body_is_json_text_or_bytes() -> None:
    """By what it holds, and bounded."""
    bodies: list[tuple[object, tuple[tuple[str, str], ...]]] = [
        ([1], ()),
        (b"caf\xe9", (("Content-Type", "text/plain; charset=iso-8859-1"),)),
        (b"\x00\x01", ()),
        (b"", ()),
        (b"x" * 9999, ()),
    ]
    playing = talk(*(Http(f"GET /{number}") for number in range(len(bodies))))
    for body, headers in bodies:
        answered(playing, 200, body, *headers)
    first, two, three, four, five = (event.body for event in events(playing))
    assert (first, two) == (JsonFrame({"json": [1]}), TextFrame("café"))
    assert isinstance(three, BinaryFrame)
    assert four is None
    assert isinstance(five, TextFrame)
    assert len(five.text) < 5000


def compared(*headers: tuple[str, str], body: object = b"", origin: str = "https://chat.example") -> Any:
    """What is compared of an answer to a login."""
    playing = talk(Http("POST /login", cookies=True, status=(200, 303)), origin=origin)
    answered(playing, 200, body, *headers)
    events(playing)
    played: Transcript = playing.transcript
    (item,) = connections(BACKEND, played)["a"]
    return item


def test_answers_are_compared_as_frames_are() -> None:
    """By attributes of cookies, by headers but those of the way, by the leaves of the body."""
    usual = compared(("Set-Cookie", "s=abcdefgh; Path=/; Secure; Domain=chat.example"), body={"id": str(uuid.uuid4())})
    other = compared(
        ("Set-Cookie", "s=12345678; Path=/; Secure; Domain=else.example"),
        ("Date", "today"),
        ("Server", "nginx"),
        body={"id": str(uuid.uuid4())},
        origin="https://else.example",
    )
    assert usual == other
    assert usual.name == "POST:/login"
    for changed in (
        compared(("Set-Cookie", "s=1; Path=/; Domain=chat.example"), body={"id": "x"}),
        compared(("Set-Cookie", "s=abcdefgh; Path=/app; Secure; Domain=chat.example"), body={"id": str(uuid.uuid4())}),
    ):
        assert changed != usual
    here = compared(("Location", "https://chat.example/tree"))
    assert here == compared(("location", "http://localhost/tree"), origin="http://localhost")
    assert here != compared(("location", "http://else.example/tree"), origin="https://else.example")


def test_an_answer_is_told_in_one_line_and_as_data() -> None:
    """With what it sets."""
    playing = talk(Http("POST /login", cookies=True))
    answered(playing, 200, {"a": 1}, *JSON, ("Set-Cookie", "s=abcdefgh; Path=/x; SameSite=lax; HttpOnly"))
    (event,) = events(playing)
    assert line(event) == "POST /login answered 200, sets s: SameSite=Lax Path=/x HttpOnly"
    data: Any = event_data(event)
    assert (data["request"], data["status"], data["body"]) == ("POST /login", 200, {"a": 1})
    assert data["cookies"]["s"]["path"] == "/x"
    playing = talk(Http("GET /x", status=403))
    answered(playing, 403, {"why": "no session"})
    (event,) = events(playing)
    assert line(event) == 'GET /x answered 403: {"why": "no session"}'
    assert line(msgspec.structs.replace(event, answered_by="ingress")).startswith("GET /x answered 403 by the ingress")
