"""Where a client goes and what it says of itself, with what earlier steps have captured."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from envparity.conversation import actions
from envparity.conversation.handshake import FORBIDDEN_ORIGIN, Handshake
from envparity.conversation.machine import Conversation
from envparity.conversation.resolving import resolve_scenario
from envparity.errors import ConfigurationError
from envparity.model.backend import Backend, ImageSource
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Expect, Query, Step
from envparity.observe.transcript import Departure, HandshakeAnswered

SETTINGS = {"BASE": "/jupyter", "ORIGINS": "https://a.example, https://b.example", "KEY": "k/1"}
AWKWARD = "a b/c?d&e=é#%"


def talk(*steps: Step, prefix: str = "", **backend: Any) -> Conversation:
    scenario = Scenario("s", steps=steps)
    script = resolve_scenario(
        scenario,
        Backend("b", Path("b.toml"), ImageSource(), **backend),
        SETTINGS,
        "https://here",
        now_s=0,
        fresh=lambda: uuid.UUID(int=7),
        prefix=prefix,
    )
    return Conversation(scenario, script)


def handshake(step: Connect, **resolved: Any) -> Handshake:
    """What the first step sends."""
    action = talk(step, **resolved).next(0.0)
    assert isinstance(action, actions.Open)
    return action.handshake


def second(step: Connect, captured: object, **resolved: Any) -> Handshake | Departure:
    """What a connect sends once the first connection has captured `{got}`, or how that departs."""
    playing = talk(Connect("none"), Expect((), capture={"got": "x"}), step, **resolved)
    playing.next(0.0)
    playing.opened(HandshakeAnswered(0.1, "a", "accept", 101))
    playing.received("a", f'{{"x": {captured}}}', 0.2)
    action = playing.next(0.3)
    if isinstance(action, actions.Open):
        return action.handshake
    departure = playing.transcript.departure
    assert departure is not None
    return departure


def test_a_path_of_its_own_stands_in_place_of_the_backends() -> None:
    """Both behind the prefix, and with the query behind either."""
    assert handshake(Connect("none"), prefix="/app").path == "/app/ws"
    assert handshake(Connect("none", path="/rooms/{uuid:r}", query="x=1"), prefix="/app").path == (
        "/app/rooms/00000000-0000-0000-0000-000000000007?x=1"
    )


def test_the_backends_path_may_have_placeholders() -> None:
    """Of settings as they stand, slashes included."""
    assert handshake(Connect("none"), websocket_path="{setting:BASE}/ws/{uuid:r}").path == (
        "/jupyter/ws/00000000-0000-0000-0000-000000000007"
    )
    with pytest.raises(ConfigurationError, match="websocket_path"):
        talk(Connect("none"), websocket_path="{first:ORIGINS}/ws")
    with pytest.raises(ConfigurationError, match="NOWHERE"):
        talk(Connect("none"), websocket_path="{setting:NOWHERE}/ws")


def test_a_table_is_percent_encoded() -> None:
    """Every name and value, each of a list; a text is sent as it stands."""
    query: Query = {"a b": AWKWARD, "tag": ("1", 2), "key": "x {setting:KEY}", "on": True, "half": 0.5}
    path = handshake(Connect("none", query=query)).path
    assert parse_qsl(urlsplit(path).query) == [
        ("a b", AWKWARD),
        ("tag", "1"),
        ("tag", "2"),
        ("key", "x k/1"),
        ("on", "true"),
        ("half", "0.5"),
    ]
    assert handshake(Connect("none", query="a=b+c&d%20")).path == "/ws?a=b+c&d%20"


def test_what_was_captured_is_percent_encoded_in_a_path_and_a_query() -> None:
    """Slashes stay in a path; in a header it stands as it is."""
    found = second(
        Connect("none", on="b", path="/r/{got}", query={"q": "{got}"}, headers={"X": "<{got}>"}), f'"{AWKWARD}"'
    )
    assert isinstance(found, Handshake)
    parts = urlsplit(found.path)
    assert parts.path == "/r/a%20b/c%3Fd%26e%3D%C3%A9%23%25"
    assert parse_qsl(parts.query) == [("q", AWKWARD)]
    assert dict(found.headers)["X"] == f"<{AWKWARD}>"
    found = second(Connect("none", on="b", query="q={got}"), f'"{AWKWARD}"')
    assert isinstance(found, Handshake)
    assert parse_qsl(urlsplit(found.path).query) == [("q", AWKWARD)]


def test_a_path_that_was_captured_whole_is_that_path() -> None:
    """With its query, without the prefix; what is no path departs before anything is sent."""
    found = second(Connect("none", on="b", path="{got}", query="more=1"), '"/ws/7?ticket=x"', prefix="/app")
    assert isinstance(found, Handshake)
    assert found.path == "/ws/7?ticket=x&more=1"
    for wrong in ('"wss://elsewhere/ws"', '"/a b"', "7", '""'):
        departure = second(Connect("none", on="b", path="{got}"), wrong)
        assert isinstance(departure, Departure)
        assert (departure.step, departure.kind) == (2, "handshake")


def test_a_line_break_that_was_captured_makes_no_other_header() -> None:
    """It departs."""
    departure = second(Connect("none", on="b", headers={"X": "{got}"}), '"1\\r\\nY: 2"')
    assert isinstance(departure, Departure)
    assert departure.kind == "handshake"


def test_cookies_are_one_header() -> None:
    """Each value encoded where a cookie cannot have it."""
    found = second(Connect("none", on="b", cookies={"seat": "{got}", "lang": "en"}), '"a;b c"')
    assert isinstance(found, Handshake)
    assert found.headers == (("Cookie", "seat=a%3Bb%20c; lang=en"),)


@pytest.mark.parametrize(
    ("backend", "step", "sent"),
    [
        (None, None, None),
        (None, "allowed", "https://here"),
        ("allowed", None, "https://here"),
        ("allowed", "none", None),
        ("allowed", "forbidden", FORBIDDEN_ORIGIN),
        ("forbidden", None, FORBIDDEN_ORIGIN),
        ("{first:ORIGINS}", None, "https://a.example"),
        ("{first:ORIGINS}", "https://c.example", "https://c.example"),
    ],
)
def test_the_backends_origin_holds_where_a_step_says_nothing(
    backend: str | None, step: str | None, sent: str | None
) -> None:
    """What the step says comes first."""
    assert handshake(Connect("none", origin=step), origin=backend).origin == sent
