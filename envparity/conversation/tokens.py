"""Tokens, good ones and every kind of bad one (JWT, RFC 7519). Made here, never recorded."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from envparity.backend import Tokens
from envparity.step import TokenKind

__all__ = ["base64url", "make_token"]

_EXPIRED_SINCE_S = 3600
_MALFORMED = "this.is-not.a-token"

_Claims = dict[str, Any]
_SPOILED: dict[str, Callable[[_Claims, Tokens], _Claims]] = {
    "expired": lambda claims, tokens: (
        claims | {"iat": claims["iat"] - _EXPIRED_SINCE_S - tokens.lifetime_s, "exp": claims["iat"] - _EXPIRED_SINCE_S}
    ),
    "wrong_issuer": lambda claims, _: claims | {"iss": "https://issuer.invalid"},
    "wrong_audience": lambda claims, _: claims | {"aud": "another-audience"},
    "other_environment": lambda claims, _: (
        claims | {"iss": f"{claims['iss']}-elsewhere", "aud": f"{claims['aud']}-elsewhere"}
    ),
    "without_subject": lambda claims, _: {name: value for name, value in claims.items() if name != "sub"},
    "without_id": lambda claims, _: {name: value for name, value in claims.items() if name != "jti"},
}


def make_token(
    kind: TokenKind, tokens: Tokens, settings: Mapping[str, str], *, subject: str, token_id: str, now_s: int
) -> str:
    """A token of that kind for `subject`; empty for the kinds "none" and "empty".

    `now_s` seconds since the epoch. A "revoked" token is like a valid one: revoking `token_id` is the caller's.
    Raises KeyError when a setting that `tokens` names is not among `settings`.
    """
    if kind in {"none", "empty"}:
        return ""
    if kind == "malformed":
        return _MALFORMED
    claims: _Claims = {
        **tokens.claims,
        "iss": settings[tokens.issuer_setting],
        "aud": settings[tokens.audience_setting],
        "sub": subject,
        "iat": now_s,
        "exp": now_s + tokens.lifetime_s,
        "jti": token_id,
    }
    if kind in _SPOILED:
        claims = _SPOILED[kind](claims, tokens)
    key = settings[tokens.key_setting]
    if kind == "alg_none":
        return f"{base64url(json.dumps({'alg': 'none', 'typ': 'JWT'}))}.{base64url(json.dumps(claims))}."
    if kind in {"wrong_signature", "other_environment"}:
        key = _another_key(tokens.algorithm, key)
    return jwt.encode(claims, key, algorithm=tokens.algorithm)


def base64url(text: str) -> str:
    """RFC 4648 §5 without padding: letters that a subprotocol's name may have (RFC 9110 §5.6.2)."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _another_key(algorithm: str, key: str) -> str:
    """A good key for the algorithm, as strong as the right one, that is not the right one."""
    if algorithm.startswith("HS"):
        return hashlib.sha512(f"not {key}".encode()).hexdigest()
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    if algorithm.startswith(("RS", "PS")):
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif algorithm.startswith("ES"):
        curve = {"ES384": ec.SECP384R1, "ES512": ec.SECP521R1}.get(algorithm, ec.SECP256R1)
        private = ec.generate_private_key(curve())
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
