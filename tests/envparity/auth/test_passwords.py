"""Basic authentication: user and password as RFC 7617 has them, and each bad one bad in its own way."""

from __future__ import annotations

import binascii
from base64 import b64decode

import pytest

from envparity.auth.passwords import Basic, wrong_one
from envparity.auth.scheme import Request, UnusableKey

SETTINGS = {"USER": "ann", "PASSWORD": "s3cret: pä/ss"}
SCHEME = Basic("USER", "PASSWORD", user="u1")


def made(kind: str, settings: dict[str, str] = SETTINGS) -> str:
    return SCHEME.make(kind, Request(settings, "anybody", "j1", 0))


def test_a_valid_one_is_user_and_password() -> None:
    """In UTF-8; a password may have a colon."""
    assert b64decode(made("valid")).decode() == "ann:s3cret: pä/ss"
    assert (SCHEME.subject, SCHEME.signing_setting, dict(SCHEME.open_settings)) == (
        "u1", "PASSWORD", {"user_setting": "USER"},
    )  # fmt: skip


def test_each_bad_one_is_bad_in_one_way() -> None:
    """User or password is another, or there is none of them."""
    pairs = {kind: b64decode(made(kind)).decode().partition(":")[::2] for kind in SCHEME.kinds if kind != "malformed"}
    user, password = SETTINGS["USER"], SETTINGS["PASSWORD"]
    assert pairs == {
        "valid": (user, password),
        "wrong_password": (user, wrong_one(password)),
        "without_password": (user, ""),
        "wrong_user": (wrong_one(user), password),
    }
    with pytest.raises(binascii.Error):
        b64decode(made("malformed"), validate=True)


def test_a_user_with_a_colon_can_have_no_such_credential() -> None:
    """The first colon ends the name."""
    with pytest.raises(UnusableKey, match="colon"):
        made("valid", {"USER": "a:b", "PASSWORD": "p"})
