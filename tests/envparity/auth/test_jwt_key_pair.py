"""Tokens of a key pair: the public half accepts the good ones, and each bad one is bad in its own way."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from typing import Any

import jwt
import pytest
from jwt import PyJWK, PyJWKSet

from envparity.auth.jwt_key_pair import KeyPairJwt
from envparity.auth.key_pair import OFFERED, PRIVATE_KEY, key_id_of, key_maker, public_jwk
from envparity.auth.scheme import Request, UnusableKey
from envparity.auth.static_token import StaticToken

NOW_S = 1_800_000_000
NEVER_TIMED: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
ALGORITHMS = ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"]
KEYS = {name: KeyPairJwt(algorithm=name).made_key() for name in ("RS256", "ES256")}


def made(kind: str, scheme: KeyPairJwt, key: str) -> str:
    settings = {PRIVATE_KEY: key, "ISSUER": "https://issuer.example", "AUDIENCE": "us"}
    return scheme.make(kind, Request(settings, "u1", "j1", NOW_S))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_public_half_accepts_what_the_private_half_signed(algorithm: str) -> None:
    """As PEM, as a JWK, and as a set of that JWK, in which the token's header names it."""
    scheme = KeyPairJwt(algorithm=algorithm)
    key = scheme.made_key()
    token, offered = made("valid", scheme, key), scheme.offered(key)
    assert tuple(offered) == OFFERED
    jwk = PyJWK(json.loads(offered["public_jwk"]))
    in_set = PyJWKSet.from_json(offered["jwks"])[jwt.get_unverified_header(token)["kid"]]
    for public in (offered["public_key"], jwk.key, in_set.key):
        assert jwt.decode(token, public, [algorithm], options=NEVER_TIMED)["sub"] == "u1"
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(made("wrong_signature", scheme, key), public, [algorithm], options=NEVER_TIMED)
    assert not [name for text in offered.values() for name in ("PRIVATE", '"d"') if name in text]


def test_a_key_is_called_by_its_thumbprint_or_as_the_file_says() -> None:
    """The thumbprint of RFC 7638 §3.1's own example would be found by the same rule: sorted members, no white space."""
    key = KEYS["RS256"]
    jwk = public_jwk(key, "RS256")
    plain = json.dumps({"e": jwk["e"], "kty": "RSA", "n": jwk["n"]}, separators=(",", ":"))
    assert urlsafe_b64decode(key_id_of(key) + "=") == hashlib.sha256(plain.encode()).digest()
    named = KeyPairJwt(key_id="2024-05")
    assert jwt.get_unverified_header(made("valid", named, key))["kid"] == "2024-05"
    assert json.loads(named.offered(key)["public_jwk"])["kid"] == "2024-05"


def test_bad_tokens_are_bad_in_their_own_way() -> None:
    """Each differs from a good one in what its name says."""
    scheme = KeyPairJwt("ES256", "ISSUER", "AUDIENCE", clock_skew_s=5)
    key = KEYS["ES256"]
    texts = {kind: made(kind, scheme, key) for kind in scheme.kinds}
    headers = {kind: jwt.get_unverified_header(text) for kind, text in texts.items() if kind != "malformed"}
    usual = headers["valid"]
    assert usual == {"alg": "ES256", "typ": "JWT", "kid": key_id_of(key)}
    assert {kind for kind, header in headers.items() if header != usual} == {"alg_none", "alg_confusion", "unknown_key"}
    assert headers["unknown_key"]["kid"] != usual["kid"]
    public = scheme.offered(key)["public_key"]
    refused: dict[str, type[Exception]] = {}
    for kind, text in texts.items():
        try:
            jwt.decode(
                text, public, ["ES256"], issuer="https://issuer.example", audience="us",
                options=NEVER_TIMED | {"require": ["sub", "jti"]},
            )  # fmt: skip
        except jwt.PyJWTError as error:
            refused[kind] = type(error)
    assert refused == {
        "malformed": jwt.DecodeError,
        "wrong_signature": jwt.InvalidSignatureError,
        "alg_none": jwt.InvalidAlgorithmError,
        "wrong_issuer": jwt.InvalidIssuerError,
        "wrong_audience": jwt.InvalidAudienceError,
        "without_subject": jwt.MissingRequiredClaimError,
        "without_id": jwt.MissingRequiredClaimError,
        "other_environment": jwt.InvalidSignatureError,
        "alg_confusion": jwt.InvalidAlgorithmError,
        "unknown_key": jwt.InvalidSignatureError,
    }


def test_a_confused_token_is_signed_with_the_public_key() -> None:
    """With the text of it, as a backend has it that takes whatever key it has for whatever the token says."""
    scheme, key = KeyPairJwt(), KEYS["RS256"]
    signed, _, signature = made("alg_confusion", scheme, key).rpartition(".")
    public = scheme.offered(key)["public_key"].encode()
    expected = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    assert urlsafe_b64decode(signature + "=" * (-len(signature) % 4)) == expected


@pytest.mark.parametrize("key", ["", "no key", KEYS["ES256"]])
def test_a_key_that_is_none_for_the_algorithm_is_said(key: str) -> None:
    """Whoever gives one to the probe is told for what it is none."""
    with pytest.raises(UnusableKey, match="RS256"):
        made("valid", KeyPairJwt(), key)


def test_who_makes_keys() -> None:
    """That is asked for, and nothing is assumed."""
    scheme: Any = KeyPairJwt()
    assert key_maker(scheme) is scheme
    assert key_maker(StaticToken("T")) is None
    assert key_maker(None) is None
