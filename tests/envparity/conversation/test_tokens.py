"""Tokens: the good one is good, and each bad one is bad in exactly one way."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any, get_args

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from envparity.backend import Tokens
from envparity.conversation.tokens import base64url, make_token
from envparity.step import TokenKind

NOW_S = 1_800_000_000
TOKENS = Tokens("KEY", "ISSUER", "AUDIENCE", claims={"tenant": "t1"})
SETTINGS = {"KEY": "0123456789abcdef0123456789abcdef", "ISSUER": "https://issuer.example", "AUDIENCE": "us"}


def made(kind: TokenKind, tokens: Tokens = TOKENS, settings: dict[str, str] | None = None) -> str:
    return make_token(kind, tokens, settings or SETTINGS, subject="u1", token_id="j1", now_s=NOW_S)


def judged(token: str, key: Any = SETTINGS["KEY"], algorithm: str = "HS256") -> dict[str, Any]:
    """What a backend that trusts SETTINGS makes of it, at NOW_S."""
    claims = jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=SETTINGS["AUDIENCE"],
        issuer=SETTINGS["ISSUER"],
        options={"require": ["sub", "jti", "exp"], "verify_exp": False, "verify_iat": False},
    )
    if claims["exp"] <= NOW_S:
        raise jwt.ExpiredSignatureError
    return claims


@pytest.mark.parametrize("kind", ["valid", "revoked"])
def test_a_valid_token_is_accepted(kind: TokenKind) -> None:
    """With the claims that the backend asks for; a revoked one is like it until it is revoked."""
    claims = judged(made(kind))
    assert claims == {
        "tenant": "t1",
        "iss": "https://issuer.example",
        "aud": "us",
        "sub": "u1",
        "iat": NOW_S,
        "exp": NOW_S + 600,
        "jti": "j1",
    }


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("malformed", jwt.DecodeError),
        ("expired", jwt.ExpiredSignatureError),
        ("wrong_signature", jwt.InvalidSignatureError),
        ("alg_none", jwt.InvalidAlgorithmError),
        ("wrong_issuer", jwt.InvalidIssuerError),
        ("wrong_audience", jwt.InvalidAudienceError),
        ("without_subject", jwt.MissingRequiredClaimError),
        ("without_id", jwt.MissingRequiredClaimError),
        ("other_environment", jwt.InvalidSignatureError),
    ],
)
def test_each_bad_token_is_bad_in_its_own_way(kind: TokenKind, refusal: type[jwt.PyJWTError]) -> None:
    """A backend that checks everything refuses it for that reason and no other."""
    with pytest.raises(refusal):
        judged(made(kind))


def test_a_token_of_another_environment_has_other_issuer_and_audience_too() -> None:
    """It is what that environment's own identity provider would have issued."""
    claims = jwt.decode(made("other_environment"), options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == ("https://issuer.example-elsewhere", "us-elsewhere")


def test_no_token_and_an_empty_one_are_empty() -> None:
    """Whether one is handed over at all is for the carrier."""
    assert made("none") == made("empty") == ""


def test_every_kind_can_be_made() -> None:
    """No kind of a scenario is unknown here, and no two are the same text but those that should be."""
    texts = [made(kind) for kind in get_args(TokenKind)]
    assert len(set(texts)) == len(texts) - 2  # none and empty, valid and revoked


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "EdDSA"])
def test_public_keys_work_too(algorithm: str) -> None:
    """With a private key in the setting, good tokens are good and a wrong signature is one of the same algorithm."""
    private: Any = {
        "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }[algorithm]()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    tokens = Tokens("KEY", "ISSUER", "AUDIENCE", algorithm=algorithm)
    public = private.public_key()
    assert judged(made("valid", tokens, SETTINGS | {"KEY": pem}), public, algorithm)["sub"] == "u1"
    wrong = made("wrong_signature", tokens, SETTINGS | {"KEY": pem})
    assert jwt.get_unverified_header(wrong)["alg"] == algorithm
    with pytest.raises(jwt.InvalidSignatureError):
        judged(wrong, public, algorithm)


def test_a_missing_setting_is_named() -> None:
    """A token cannot be made of nothing."""
    with pytest.raises(KeyError, match="ISSUER"):
        made("valid", settings={"KEY": "k", "AUDIENCE": "a"})


def test_base64url_has_no_padding_and_reads_back() -> None:
    """A subprotocol's name has no equals sign."""
    for text in ("", "a", "ab", "abc", json.dumps({"?": ">>>~~~"})):
        encoded = base64url(text)
        assert not set(encoded) & set("=+/")
        assert urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode() == text
