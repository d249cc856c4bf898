"""Login: what is asked, what of the answer is a credential, and what a browser would not keep."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envparity.auth.login import Login
from envparity.auth.passwords import wrong_one
from envparity.auth.scheme import Request
from envparity.auth.sign_in import Answered, CookieGiven, NotSignedIn, signs_in
from envparity.auth.static_token import StaticToken

SETTINGS = {"USER": "ann", "PASSWORD": "p&ss"}
FORM = {"username": "{username}", "password": "{password}", "next": "/"}


def login(**keys: Any) -> Login:
    usual: dict[str, Any] = {"form": FORM, "cookie": "sid"}
    return Login(user_setting="USER", password_setting="PASSWORD", request="POST /login?x=1", **{**usual, **keys})


def answer(status: int = 200, *cookies: CookieGiven, text: str = "") -> Answered:
    return Answered(status, cookies, text)


def test_what_is_asked() -> None:
    """User and password where the body names them, written as its kind has it."""
    asked = login().asking("valid", SETTINGS)
    assert asked is not None
    assert (asked.method, asked.path) == ("POST", "/login?x=1")
    assert asked.body == b"username=ann&password=p%26ss&next=%2F"
    assert asked.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    as_json = login(form=None, json={"a": ["{username}:{password}"]}, headers={"X": "1"}).asking("forged", SETTINGS)
    assert as_json is not None
    assert (json.loads(as_json.body), as_json.headers) == (
        {"a": ["ann:p&ss"]}, {"Content-Type": "application/json", "X": "1"},
    )  # fmt: skip
    wrong = login().asking("wrong_password", SETTINGS)
    assert wrong is not None
    assert wrong.body != asked.body
    assert login().asking("malformed", SETTINGS) is None


def test_what_is_given_is_the_credential() -> None:
    """The cookie, or what stands at the pointer; a forged one is as long."""
    assert login().given("valid", answer(303, CookieGiven("lang", "en"), CookieGiven("sid", "abc"))) == "abc"
    by_token = login(cookie=None, token="/data/0/jwt")
    text = json.dumps({"data": [{"jwt": "abc"}]})
    assert by_token.given("valid", answer(text=text)) == "abc"
    assert by_token.given("forged", answer(text=text)) == wrong_one("abc") != "abc"
    made = login().make("valid", Request(SETTINGS, "u", "j", 0, signed_in="abc"))
    assert (made, login().make("malformed", Request({}, "u", "j", 0)) != "abc") == ("abc", True)


@pytest.mark.parametrize(
    ("got", "came"),
    [
        (answer(401, text="no\n such  user"), "401: no such user"),
        (answer(200), "200 without it"),
        (answer(200, CookieGiven("other", "1")), "200 without it"),
        (answer(200, CookieGiven("sid", "a", "its reason")), "200 with one that is not kept: its reason"),
        (answer(200, CookieGiven("sid", "")), "200 with one that is not kept: it is empty"),
    ],
)
def test_a_login_that_gives_nothing_says_what_came(got: Answered, came: str) -> None:
    """A cookie that a browser would not send back is none; of a wrong password nothing is promised."""
    with pytest.raises(NotSignedIn) as raised:
        login().given("valid", got)
    assert raised.value.got.startswith(came)
    assert raised.value.expected == "POST /login?x=1 answers 200 or 201 or 204 or 302 or 303 with a cookie sid"
    assert login().given("wrong_password", got) == ""


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"a": 1}', '{"a": ""}', "nothing"])
def test_a_token_that_is_none(text: str) -> None:
    """Whatever stands in its place."""
    with pytest.raises(NotSignedIn, match="200 without it"):
        login(cookie=None, token="/a").given("valid", answer(text=text))


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({}, []),
        ({"form": None}, ["form"]),
        ({"json": {}}, ["form"]),
        ({"token": "/a"}, ["token"]),
        ({"cookie": None}, ["token"]),
        ({"form": {**FORM, "x": "{user}"}}, ["form"]),
        ({"form": None, "json": {"a": "{password}"}}, ["json"]),
    ],
)
def test_what_no_schema_says(keys: dict[str, Any], wrong: list[str]) -> None:
    """One body, one credential, and in the body user and password and nothing else that is filled in."""
    assert [key for key, _, _ in login(**keys).mistakes()] == wrong


def test_who_signs_in() -> None:
    """That is asked for, and nothing is assumed."""
    scheme = login()
    assert signs_in(scheme) is scheme
    assert signs_in(StaticToken("T")) is None
