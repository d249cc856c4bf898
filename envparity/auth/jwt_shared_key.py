"""JSON Web Tokens that are signed with a key that the backend has too. Made here, never recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated

import jwt
import msgspec

from envparity.auth.json_web_token import Claims, JsonWebToken, Revocation
from envparity.auth.keys import made_private_key, setting_name
from envparity.auth.scheme import Request, UnusableKey

__all__ = ["Revocation", "SharedKeyJwt"]

_ALGORITHMS = ["HS256", "HS384", "HS512"]


class SharedKeyJwt(JsonWebToken, frozen=True):
    """Tokens with what settings hold in each environment: the key, and where they have them issuer and audience."""

    key_setting: Annotated[str, setting_name("that holds the signing key")]
    issuer_setting: Annotated[str, setting_name("that holds the issuer, claim iss")] | None = None
    audience_setting: Annotated[str, setting_name("that holds the audience, claim aud")] | None = None
    algorithm: Annotated[
        str,
        msgspec.Meta(description="how tokens are signed (RFC 7518 §3.1)", extra_json_schema={"enum": _ALGORITHMS}),
    ] = "HS256"

    @property
    def signing_setting(self) -> str:
        return self.key_setting

    @property
    def open_settings(self) -> Mapping[str, str]:
        named = {"issuer_setting": self.issuer_setting, "audience_setting": self.audience_setting}
        return {key: setting for key, setting in named.items() if setting is not None}

    @property
    def key_of_signing(self) -> str:
        return "key_setting"

    def _signed(self, kind: str, claims: Claims, request: Request) -> str:
        key = request.settings[self.key_setting]
        if kind in {"wrong_signature", "other_environment"}:
            key = _another_key(self.algorithm, key)
        try:
            return jwt.encode(claims, key, algorithm=self.algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise UnusableKey(self.algorithm) from None


def _another_key(algorithm: str, key: str) -> str:
    """A good key for the algorithm, as strong as the right one, that is not the right one."""
    if algorithm.startswith("HS"):
        return hashlib.sha512(f"not {key}".encode()).hexdigest()
    return made_private_key(algorithm)
