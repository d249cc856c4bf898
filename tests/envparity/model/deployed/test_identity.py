"""Whom a client of a deployed backend speaks for, and for how long what it holds is good."""

from __future__ import annotations

import uuid

import jwt
import pytest

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.model.deployed.credentials import CredentialUnavailable
from envparity.model.deployed.identity import Credentials, stable_user
from envparity.model.deployment import Credential, Deployed
from envparity.model.environment import Environment

SCHEME = SharedKeyJwt("KEY", "ISSUER", "AUDIENCE")
KEY = "0123456789abcdef0123456789abcdef"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def environment(**deployed: object) -> Environment:
    return Environment("staging", deployed=Deployed("wss://a", **deployed))  # type: ignore[arg-type]


async def test_a_key_comes_with_a_user_that_is_always_the_same() -> None:
    """The one of [deployed], else a UUID made from the environment's name."""
    held = await Credentials(environment(secret=Credential(variable="K")), SCHEME, {"K": KEY}).get()
    assert (held.key, held.token, held.user) == (KEY, "", stable_user("staging"))
    assert uuid.UUID(held.user) == uuid.UUID(stable_user("staging")) != uuid.UUID(stable_user("production"))
    assert (
        await Credentials(environment(secret=Credential(variable="K"), user="u"), SCHEME, {"K": KEY}).get()
    ).user == "u"


async def test_a_token_says_whom_it_names() -> None:
    """By its claim sub, unless [deployed] says it; nobody knows whom an opaque one names."""
    token = jwt.encode({"sub": "google-oauth2|7"}, KEY)
    held = await Credentials(environment(token=Credential(variable="T")), SCHEME, {"T": token}).get()
    assert (held.key, held.token, held.user) == ("", token, "google-oauth2|7")
    assert (await Credentials(environment(token=Credential(variable="T")), SCHEME, {"T": "opaque"}).get()).user == ""
    assert (
        await Credentials(environment(token=Credential(variable="T"), user="u"), SCHEME, {"T": "opaque"}).get()
    ).user == "u"


async def test_a_token_is_asked_for_again_before_it_expires() -> None:
    """Half a minute before; until then it is held."""
    clock = Clock()
    environ: dict[str, str] = {}
    credentials = Credentials(environment(token=Credential(variable="T")), SCHEME, environ, clock)
    environ["T"] = first = jwt.encode({"sub": "u", "exp": int(clock.now) + 100}, KEY)
    assert (await credentials.get()).token == first
    environ["T"] = second = jwt.encode({"sub": "u", "exp": int(clock.now) + 200}, KEY)
    clock.now += 69
    assert (await credentials.get()).token == first
    clock.now += 1
    assert (await credentials.get()).token == second


async def test_a_refused_key_is_asked_for_again_and_any_after_five_minutes() -> None:
    """So that a key that was replaced is followed."""
    clock, environ = Clock(), {"K": "one"}
    credentials = Credentials(environment(secret=Credential(variable="K")), SCHEME, environ, clock)
    assert (await credentials.get()).key == "one"
    environ["K"] = "two"
    assert (await credentials.get()).key == "one"
    credentials.renew()
    assert (await credentials.get()).key == "two"
    environ["K"] = "three"
    clock.now += 300
    assert (await credentials.get()).key == "three"


async def test_what_cannot_be_had_is_asked_for_again() -> None:
    """An error is not held."""
    environ: dict[str, str] = {}
    credentials = Credentials(environment(secret=Credential(variable="K")), SCHEME, environ)
    with pytest.raises(CredentialUnavailable):
        await credentials.get()
    environ["K"] = KEY
    assert (await credentials.get()).key == KEY


async def test_what_is_held_is_not_shown() -> None:
    """Not in its representation either."""
    held = await Credentials(environment(secret=Credential(variable="K")), SCHEME, {"K": KEY}).get()
    assert KEY not in repr(held)
