"""Scripts: how a scenario hands its token over."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest

from envparity.auth.scheme import base64url
from envparity.auth.static_token import StaticToken
from envparity.model.backend import Carrier, Tokens
from envparity.model.step import Connect
from envparity.support.redaction import Redaction
from tests.envparity.conversation.scripts import COOKIE, QUERY, SETTINGS, script


def test_the_first_carrier_is_the_usual_one() -> None:
    """The header goes with the handshake, beside the backend's subprotocols, of which the first must be selected."""
    made = script(Connect("valid", headers={"X-Test": "{user}"}, user_id="u|{digits}"))
    handshake = made.handshakes[0]
    headers = dict(handshake.headers)
    token = headers["Authorization"].removeprefix("Bearer ")
    subject = jwt.decode(token, options={"verify_signature": False})["sub"]
    assert re.fullmatch(r"u\|1\d{17}", subject)
    assert headers["X-Test"] == subject
    assert (handshake.path, handshake.origin, handshake.first_frame) == ("/ws", None, None)
    assert (handshake.offered, handshake.selected) == (("v2", "v1"), "v2")
    assert made.secrets == {SETTINGS["KEY"]: "{setting:KEY}", token: "<token:valid>", base64url(token): "<token:valid>"}
    assert made.names == {subject: "<user>"}


def test_a_subprotocol_can_carry_the_token() -> None:
    """Beside the others, and it is never the one that must be selected."""
    handshake = script(Connect("valid"), carriers="subprotocol").handshakes[0]
    assert handshake.offered[:2] == ("v2", "v1")
    assert handshake.offered[2].startswith("jwt.")
    alone = script(Connect("valid", offer=()), carriers="subprotocol").handshakes[0]
    assert [protocol[:4] for protocol in alone.offered] == ["jwt."]
    assert alone.selected == ""
    assert script(Connect("valid", offer=("v1",))).handshakes[0].selected == "v1"
    assert script(Connect("valid", subprotocol="v1")).handshakes[0].selected == "v1"


def test_a_first_frame_can_carry_the_token() -> None:
    """At any depth of it; `authenticate = false` keeps it back."""
    made = script(Connect("valid", carrier="first_frame"), Connect("valid", carrier="first_frame", authenticate=False))
    first_frame: Any = made.handshakes[0].first_frame
    assert first_frame is not None
    assert first_frame["credentials"]["token"] in made.secrets
    assert made.handshakes[1].first_frame is None


@pytest.mark.parametrize("carrier", ["header", "subprotocol", "first_frame"])
def test_no_token_is_handed_over_by_no_carrier(carrier: str) -> None:
    """Not even an empty one."""
    handshake = script(Connect("none", carrier=carrier)).handshakes[0]
    assert (handshake.headers, handshake.offered, handshake.first_frame) == ((), ("v2", "v1"), None)


def test_an_empty_token_is_handed_over_empty() -> None:
    """Each carrier as it would be with nothing in it."""
    assert script(Connect("empty")).handshakes[0].headers == (("Authorization", "Bearer"),)
    assert script(Connect("empty"), carriers="subprotocol").handshakes[0].offered[-1] == "jwt."


@pytest.mark.parametrize(
    ("origin", "sent"),
    [
        (None, None),
        ("allowed", "https://here"),
        ("forbidden", "https://forbidden.invalid"),
        ("{first:ORIGINS}", "http://x"),
        ("{origin}:1", "https://here:1"),
    ],
)
def test_an_origin_is_none_the_endpoints_own_or_another(origin: str | None, sent: str | None) -> None:
    """What a page of that origin would send."""
    assert script(Connect("valid", origin=origin)).handshakes[0].origin == sent


def test_a_url_can_carry_what_it_should_not() -> None:
    """A token in the query is one like any other, and no less a secret."""
    made = script(Connect("none", query="token={token:expired}"))
    path, _, token = made.handshakes[0].path.partition("?token=")
    assert path == "/ws"
    assert made.secrets[token] == "<token:expired>"


ODD = "a b&c=d/é;e%"


@pytest.mark.parametrize("query", ["", "v=2"])
def test_a_token_can_be_carried_in_the_query(query: str) -> None:
    """Beside what the step says, and as text that can stand there; with nothing to hand over nothing is added."""
    tokens = Tokens(StaticToken("KEY"), (QUERY,))
    made = script(Connect("valid", query=query), Connect("none", query=query), tokens=tokens, settings={"KEY": ODD})
    before = "&".join(filter(None, (query, "")))
    assert made.handshakes[1].path == ("/ws?v=2" if query else "/ws")
    assert parse_qsl(made.handshakes[0].path.partition("?")[2]) == [
        *parse_qsl(before),
        ("access_token", ODD),
    ]
    assert made.handshakes[0].headers == ()


def test_a_token_can_be_carried_in_a_cookie() -> None:
    """In the one header of cookies that there may be, as characters that may stand there (RFC 6265 §4.1.1)."""
    tokens = Tokens(StaticToken("KEY"), (COOKIE,))
    steps = Connect("valid", headers={"cookie": "lang=en"}), Connect("valid"), Connect("empty"), Connect("none")
    made = script(*steps, tokens=tokens, settings={"KEY": ODD})
    said = "session=a%20b&c=d/%C3%A9%3Be%25"
    assert [dict(made.handshakes[index].headers) for index in range(4)] == [
        {"cookie": f"lang=en; {said}"},
        {"Cookie": said},
        {"Cookie": "session="},
        {},
    ]


@pytest.mark.parametrize("carrier", [QUERY, COOKIE], ids=str)
def test_where_a_token_travels_it_is_shown_by_its_name(carrier: Carrier) -> None:
    """In the URL of an access line and in a header, however it had to be written."""
    made = script(Connect("valid"), tokens=Tokens(StaticToken("KEY"), (carrier,)), settings={"KEY": ODD})
    redaction = Redaction(made.secrets.items())
    handshake = made.handshakes[0]
    for line in (f'"GET {handshake.path} HTTP/1.1" 101', f"headers {dict(handshake.headers)}"):
        shown = redaction.text(line)
        assert "a%20b" not in shown
        assert ("<token:valid>" in shown) == ("a%20b" in line)
