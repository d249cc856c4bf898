"""The one place where a token is judged. It knows nothing of connections and makes nothing that belongs to one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt

from netra_backend.app.services.identity import Identity, TokenRefused

if TYPE_CHECKING:
    from netra_backend.app.cache.token_revocation import TokenRevocation
    from netra_backend.app.settings import Settings

MAX_ID_LENGTH = 255


_REFUSALS: tuple[tuple[type[jwt.PyJWTError], str, str], ...] = (
    (jwt.ExpiredSignatureError, "token_expired", "The token has expired."),
    (jwt.InvalidAudienceError, "token_audience", "The token is for another audience."),
    (jwt.InvalidIssuerError, "token_issuer", "The token comes from another issuer."),
    (jwt.InvalidAlgorithmError, "token_signature", "The token is not signed with the algorithm that is expected."),
    (jwt.InvalidSignatureError, "token_signature", "The signature of the token is wrong."),
    (jwt.InvalidKeyError, "token_signature", "The signature of the token cannot be checked."),
    (jwt.ImmatureSignatureError, "token_malformed", "The token is not valid yet."),
)
_MISSING = {"aud": "token_audience", "iss": "token_issuer"}

CLOCK_LEEWAY_S = 5
"""How far the clock of whoever issues tokens may be ahead of ours. When a token expires is not stretched."""


class UnifiedAuthenticationService:
    """Judges signature, algorithm, issuer, audience, expiry and revocation, the same way in every environment."""

    def __init__(self, settings: Settings, revocation: TokenRevocation) -> None:
        self.algorithm = settings.jwt_algorithm
        self._key = settings.jwt_key
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._revocation = revocation

    async def judge(self, token: str) -> Identity:
        """Say whom the token speaks for. Raises TokenRefused, or DependencyUnavailable when revocation is unknown."""
        claims = self._claims(token)
        user_id, jti = _identifier(claims, "sub"), _identifier(claims, "jti")
        if await self._revocation.is_revoked(jti):
            raise TokenRefused("token_revoked", "The token was revoked.")
        return Identity(user_id)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[self.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                # `sub` and `jti` are looked at below: some identity providers issue numbers; so are `iat` and `nbf`.
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_sub": False,
                    "verify_jti": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            _refuse_early(claims)
        except jwt.MissingRequiredClaimError as missing:
            code = _MISSING.get(missing.claim, "token_malformed")
            raise TokenRefused(code, f"The token has no {missing.claim!r} claim.") from None
        except jwt.PyJWTError as refused:
            for kind, code, message in _REFUSALS:
                if isinstance(refused, kind):
                    raise TokenRefused(code, message) from None
            raise TokenRefused("token_malformed", "The token is not a readable JSON Web Token.") from None
        except (ValueError, RecursionError):
            raise TokenRefused("token_malformed", "The token is not a readable JSON Web Token.") from None
        return claims


def _refuse_early(claims: dict[str, Any]) -> None:
    """Raise `ImmatureSignatureError` for a token from a future that no clock explains."""
    latest = time.time() + CLOCK_LEEWAY_S
    for name in ("iat", "nbf"):
        moment = claims.get(name, 0)
        if not isinstance(moment, int | float):
            raise jwt.DecodeError(f"{name} is no number")
        if moment > latest:
            raise jwt.ImmatureSignatureError(name)


def _identifier(claims: dict[str, Any], name: str) -> str:
    """A claim that names somebody or something, as text that PostgreSQL and Redis can hold."""
    value = claims.get(name)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not 0 < len(text) <= MAX_ID_LENGTH or not text.isprintable():
        raise TokenRefused("token_malformed", f"The token has no usable {name!r} claim.")
    return text
