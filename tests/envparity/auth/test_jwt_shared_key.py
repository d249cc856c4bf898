"""Tokens: the good one is good, and each bad one is bad in exactly one way."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from envparity.auth.jwt_shared_key import Revocation, SharedKeyJwt
from envparity.auth.scheme import Request, UnusableKey, base64url

NOW_S = 1_800_000_000
SCHEME = SharedKeyJwt("KEY", "ISSUER", "AUDIENCE", claims={"tenant": "t1"})
SETTINGS = {"KEY": "0123456789abcdef0123456789abcdef", "ISSUER": "https://issuer.example", "AUDIENCE": "us"}


def made(kind: str, scheme: SharedKeyJwt = SCHEME, settings: dict[str, str] | None = None) -> str:
    return scheme.make(kind, Request(settings or SETTINGS, "u1", "j1", NOW_S))


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
def test_a_valid_token_is_accepted(kind: str) -> None:
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
def test_each_bad_token_is_bad_in_its_own_way(kind: str, refusal: type[jwt.PyJWTError]) -> None:
    """A backend that checks everything refuses it for that reason and no other."""
    with pytest.raises(refusal):
        judged(made(kind))


def test_a_token_of_another_environment_has_other_issuer_and_audience_too() -> None:
    """It is what that environment's own identity provider would have issued."""
    claims = jwt.decode(made("other_environment"), options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == ("https://issuer.example-elsewhere", "us-elsewhere")


def test_every_kind_can_be_made() -> None:
    """No kind of a scenario is unknown here, and no two are the same text but those that should be."""
    ahead = SharedKeyJwt("KEY", "ISSUER", "AUDIENCE", claims={"tenant": "t1"}, clock_skew_s=5)
    texts = [made(kind, ahead) for kind in SharedKeyJwt.kinds]
    assert len(set(texts)) == len(texts) - 1  # valid and revoked


def claims_of(kind: str, **keys: Any) -> dict[str, Any]:
    scheme = SharedKeyJwt("KEY", **keys)
    return dict(jwt.decode(made(kind, scheme), options={"verify_signature": False}))


def test_issuer_and_audience_are_claims_where_there_are_settings_for_them() -> None:
    """No such claim, no such bad token: the kinds that need the setting say so."""
    assert set(claims_of("valid")) == {"sub", "iat", "exp", "jti"}
    assert claims_of("valid", audience_setting="AUDIENCE")["aud"] == "us"
    assert claims_of("other_environment", issuer_setting="ISSUER")["iss"] == "https://issuer.example-elsewhere"
    bare = SharedKeyJwt("KEY")
    assert {kind: list(bare.missing(kind)) for kind in bare.kinds if bare.missing(kind)} == {
        "ahead": ["clock_skew_s"],
        "just_expired": ["expiry_leeway_s"],
        "wrong_issuer": ["issuer_setting"],
        "wrong_audience": ["audience_setting"],
        "several_audiences": ["audience_setting"],
        "revoked": ["revocation"],
    }
    assert list(bare.open_settings) == []


def test_a_token_for_several_audiences_is_good_for_ours() -> None:
    """The list names ours beside another one; all else is as in any good token."""
    claims = judged(made("several_audiences"))
    assert claims["aud"] == ["another-audience", "us"]
    assert claims | {"aud": "us"} == judged(made("valid"))


def test_when_a_token_is_good() -> None:
    """One of an issuer that is ahead is good, and made in the future; one that is not yet good says since when."""
    assert claims_of("valid", not_before=True)["nbf"] == NOW_S
    ahead = claims_of("ahead", clock_skew_s=7, not_before=True)
    assert (ahead["iat"], ahead["nbf"], ahead["exp"]) == (NOW_S + 7, NOW_S + 7, NOW_S + 607)
    assert "nbf" not in claims_of("ahead", clock_skew_s=7)
    early = claims_of("not_yet_valid")
    assert (early["iat"], early["nbf"]) == (NOW_S, NOW_S + 3600)
    assert early["exp"] > early["nbf"]
    with pytest.raises(jwt.ImmatureSignatureError):
        jwt.decode(made("not_yet_valid", SharedKeyJwt("KEY")), SETTINGS["KEY"], algorithms=["HS256"])


@pytest.mark.parametrize("leeway_s", [0, 60])
def test_a_token_that_has_just_expired_is_past_the_leeway_and_no_further(leeway_s: int) -> None:
    """A backend that gives half a minute more than it says takes it; one that gives what it says does not."""
    token = made("just_expired", SharedKeyJwt("KEY", expiry_leeway_s=leeway_s, not_before=True))
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == claims["exp"] - claims["nbf"] == 600
    assert leeway_s < NOW_S - claims["exp"] < leeway_s + 30


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
    scheme = SharedKeyJwt("KEY", "ISSUER", "AUDIENCE", algorithm=algorithm)
    public = private.public_key()
    assert judged(made("valid", scheme, SETTINGS | {"KEY": pem}), public, algorithm)["sub"] == "u1"
    wrong = made("wrong_signature", scheme, SETTINGS | {"KEY": pem})
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


def test_what_it_takes_to_revoke_is_asked_for() -> None:
    """The kind needs the table, and the table says the dependency and the command."""
    assert list(SCHEME.missing("revoked")) == ["revocation"]
    assert SCHEME.missing("valid") == {}
    revoking = SharedKeyJwt("K", "I", "A", revocation=Revocation("redis", ("SET", "revoked:{jti}", "1")))
    assert revoking.missing("revoked") == {}
    assert revoking.revoking("revoked", "j1") == ("redis", ("SET", "revoked:j1", "1"))
    assert revoking.revoking("valid", "j1") is None
    assert revoking.revokes_in == "redis"


def test_a_key_that_is_none_for_the_algorithm_is_said() -> None:
    """Without a word of the key."""
    with pytest.raises(UnusableKey, match="RS256"):
        made("valid", SharedKeyJwt("KEY", "ISSUER", "AUDIENCE", algorithm="RS256"))


@pytest.mark.parametrize(("kind", "size"), [("large", 3072), ("larger", 6144)])
def test_a_large_token_is_good_and_as_large_as_it_says(kind: str, size: int) -> None:
    """Within the room that a proxy with 8 KiB for a head leaves it, whatever the rest of its claims."""
    token = made(kind, SharedKeyJwt("KEY"))
    assert size <= len(token) < size + 512
    claims = jwt.decode(
        token, SETTINGS["KEY"], algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert len(claims["groups"]) == len(set(claims["groups"]))
