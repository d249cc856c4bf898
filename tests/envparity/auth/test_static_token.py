"""A token that a setting holds: the right one, and others that are none."""

from __future__ import annotations

from envparity.auth.scheme import Request, keyless_kinds, token_kinds
from envparity.auth.static_token import StaticToken

TOKEN = "s3cret-token"
SCHEME = StaticToken("API_TOKEN", user="u1")


def made(kind: str, token: str = TOKEN) -> str:
    return SCHEME.make(kind, Request({"API_TOKEN": token}, "anybody", "j1", 0))


def test_a_valid_token_is_what_the_setting_holds() -> None:
    """It names the user whom the file says, and nobody else."""
    assert made("valid") == TOKEN
    assert SCHEME.subject == "u1"


def test_a_wrong_token_is_as_long_and_always_the_same() -> None:
    """It is refused for what it is, not for its length; runs can be compared."""
    for token in ("s3cret-token", "x" * 1000, ""):
        wrong = made("wrong", token)
        assert wrong not in {token, ""}
        assert len(wrong) == max(len(token), 1)
        assert wrong == made("wrong", token)


def test_its_kinds() -> None:
    """Whatever needs no setting can be handed over by anybody."""
    assert token_kinds(StaticToken) == ("valid", "none", "empty", "malformed", "wrong")
    assert keyless_kinds(StaticToken) == {"none", "empty", "malformed"}
