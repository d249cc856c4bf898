"""JSON Web Tokens that are signed with a private key; the backend has the public half alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Annotated, ClassVar

import jwt
import msgspec

from envparity.auth.json_web_token import Claims, JsonWebToken
from envparity.auth.key_pair import ISSUER, PRIVATE_KEY, generation_name, public_jwk, public_pem
from envparity.auth.keys import made_private_key, setting_name
from envparity.auth.scheme import Request, UnusableKey

__all__ = ["KeyPairJwt"]

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_UNKNOWN_KEY = "nobody-has-published-this-key"


class KeyPairJwt(JsonWebToken, frozen=True):
    """Tokens of a key pair that each run makes for each environment. Settings take the public half from `tokens`.

    What signs is no setting of the backend: the run has it, and for what is deployed [deployed] says where it is.
    """

    algorithm: Annotated[
        str,
        msgspec.Meta(
            description="how tokens are signed (RFC 7518 §3.1, RFC 8037)", extra_json_schema={"enum": _ALGORITHMS}
        ),
    ] = "RS256"
    issuer_setting: Annotated[str, setting_name("that holds the issuer, claim iss")] | None = None
    audience_setting: Annotated[str, setting_name("that holds the audience, claim aud")] | None = None
    key_id: (
        Annotated[str, msgspec.Meta(description="what tokens call the key, kid (RFC 7515 §4.1.4)", min_length=1)] | None
    ) = None

    provider: (
        Annotated[
            str, msgspec.Meta(description="the identity provider whose keys they are: a dependency", min_length=1)
        ]
        | None
    ) = None

    kinds: ClassVar[Mapping[str, str]] = {
        **JsonWebToken.kinds,
        "alg_confusion": "signed by HMAC, with the public key as what both sides know",
        "unknown_key": "signed with a key that nobody has published, and saying so",
    }

    @property
    def signing_setting(self) -> str:
        return PRIVATE_KEY

    @property
    def open_settings(self) -> Mapping[str, str]:
        issuer = self.issuer_setting or (ISSUER if self.provider else None)
        named = {"issuer_setting": issuer, "audience_setting": self.audience_setting}
        return {key: setting for key, setting in named.items() if setting is not None}

    @property
    def key_of_signing(self) -> str:
        return "algorithm"

    def made_key(self) -> str:
        """A new private key, in PEM."""
        return made_private_key(self.algorithm)

    def published(self, private_pem: str, generation: int) -> dict[str, object]:
        """The public half as a JWK, called by its thumbprint, or by `key_id` and the generation."""
        named = f"{self.key_id}-{generation}" if self.key_id and generation else self.key_id
        return public_jwk(private_pem, self.algorithm, named)

    def offered(self, private_pem: str) -> Mapping[str, str]:
        """What settings may take: the public half as PEM, as a JWK and as a set of that JWK (RFC 7517 §4 and §5)."""
        key = self.published(private_pem, 0)
        return {
            "public_key": public_pem(private_pem),
            "public_jwk": json.dumps(key),
            "jwks": json.dumps({"keys": [key]}),
        }

    def _signed(self, kind: str, claims: Claims, request: Request) -> str:
        private = request.settings[generation_name(request.generation)]
        try:
            key_id = str(self.published(private, request.generation)["kid"])
            if kind == "alg_confusion":
                return _signed_with_public_key(claims, public_pem(private), key_id)
            if kind in {"wrong_signature", "other_environment", "unknown_key"}:
                private = made_private_key(self.algorithm)
            headers = {"kid": _UNKNOWN_KEY if kind == "unknown_key" else key_id}
            return jwt.encode(claims, private, algorithm=self.algorithm, headers=headers)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise UnusableKey(self.algorithm) from None


def _signed_with_public_key(claims: Claims, public: str, key_id: str) -> str:
    """What a backend accepts that lets the token say how it is checked: the public key is no secret."""
    header = {"alg": "HS256", "typ": "JWT", "kid": key_id}
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(public.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(signature)}"


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
