"""What schemes of JSON Web Tokens (RFC 7519) share: claims, and what is wrong with those of a bad token."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

import jwt
import msgspec

from envparity.auth.scheme import Known, Request, Scheme, base64url

__all__ = ["Claims", "JsonWebToken", "Revocation"]

_AN_HOUR_S = 3600
_A_MOMENT_S = 5
_MALFORMED = "this.is-not.a-token"
_ANOTHER_AUDIENCE = "another-audience"
_NAMED = {"issuer_setting": "iss", "audience_setting": "aud"}

_SIZES = {"large": 3072, "larger": 6144}
_GROUP = "group-{:04}-of-many-there-are"
_GROUP_BYTES = 42
"""What one of them takes in a token: its 28 characters, quotes, a comma and a space, in base64."""

Claims = dict[str, Any]


class Revocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a token is revoked from outside."""

    dependency: Annotated[str, msgspec.Meta(description="the name of a dependency that takes commands", min_length=1)]
    command: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="one command to it, with {jti} where the token's id goes",
            min_length=1,
            extra_json_schema={"contains": {"type": "string", "pattern": "\\{jti\\}"}},
        ),
    ]


class JsonWebToken(Scheme, frozen=True, kw_only=True):
    """A scheme whose tokens are JSON Web Tokens; how one is signed is its own (`_signed`).

    Its `open_settings` may have the keys `issuer_setting` and `audience_setting`.
    """

    lifetime_s: Annotated[int, msgspec.Meta(description="seconds that a token is good for", ge=10, le=86400)] = 600
    not_before: Annotated[bool, msgspec.Meta(description="true: a token says since when it is good, claim nbf")] = False
    clock_skew_s: (
        Annotated[int, msgspec.Meta(description="seconds that an issuer's clock may be ahead", ge=1, le=600)] | None
    ) = None
    expiry_leeway_s: (
        Annotated[int, msgspec.Meta(description="seconds that a token is taken after its end", ge=0, le=600)] | None
    ) = None
    claims: Annotated[dict[str, Any], msgspec.Meta(description="further claims of every token")] = msgspec.field(
        default_factory=dict
    )
    revocation: Annotated[Revocation | None, msgspec.Meta(description="how a token is revoked from outside")] = None

    kinds: ClassVar[Mapping[str, str]] = {
        "valid": "a good token",
        "ahead": "good, of an issuer whose clock is ahead by as much as is allowed",
        "large": "good, and of 3 KiB, as identity providers make them for a user of many groups",
        "larger": "good, and of 6 KiB",
        "several_audiences": "good, for another audience as well: claim aud is a list (RFC 7519 §4.1.3)",
        "malformed": "no token at all",
        "expired": "good until an hour ago",
        "just_expired": "good until a moment ago, and past the leeway that the backend gives",
        "not_yet_valid": "good in an hour",
        "wrong_signature": "signed with another key",
        "alg_none": "not signed, and saying so",
        "wrong_issuer": "of an issuer that nobody trusts",
        "wrong_audience": "for another audience",
        "without_subject": "without the claim sub",
        "without_id": "without the claim jti",
        "revoked": "good, and then revoked",
        "other_environment": "as another environment's issuer would have made it",
    }
    keyless: ClassVar[frozenset[str]] = frozenset({"malformed"})

    def make(self, kind: str, request: Request) -> str:
        """A token of that kind. A "revoked" one is like a valid one: revoking it is the caller's."""
        if kind == "malformed":
            return _MALFORMED
        claims = self._claims(request, ahead_s=(self.clock_skew_s or 0) if kind == "ahead" else 0)
        if kind in _SIZES:
            claims = {**claims, "groups": [_GROUP.format(number) for number in range(_SIZES[kind] // _GROUP_BYTES)]}
        if kind == "several_audiences":
            claims = {**claims, "aud": [_ANOTHER_AUDIENCE, claims["aud"]]}
        if kind in _SPOILED:
            claims = _SPOILED[kind](claims)
        if kind == "just_expired":
            claims = _moved(claims, -self.lifetime_s - (self.expiry_leeway_s or 0) - _A_MOMENT_S)
        if kind == "alg_none":
            return f"{base64url(json.dumps({'alg': 'none', 'typ': 'JWT'}))}.{base64url(json.dumps(claims))}."
        return self._signed(kind, claims, request)

    def _signed(self, kind: str, claims: Claims, request: Request) -> str:
        """The token of that kind with those claims. Raises `KeyError` and `UnusableKey`."""
        raise NotImplementedError

    def missing(self, kind: str) -> Mapping[str, str]:
        named = self.open_settings
        needed = {
            "revoked": ("revocation", self.revocation, "how a token is revoked"),
            "ahead": ("clock_skew_s", self.clock_skew_s, "how far an issuer's clock may be ahead"),
            "just_expired": ("expiry_leeway_s", self.expiry_leeway_s, "how long a token is taken after its end"),
            **{
                f"wrong_{what}": (f"{what}_setting", named.get(f"{what}_setting"), f"which {what} is right")
                for what in ("issuer", "audience")
            },
            "several_audiences": ("audience_setting", named.get("audience_setting"), "which audience is right"),
        }
        key, given, what = needed.get(kind, ("", kind, ""))
        return {key: what} if given is None else {}

    def revoking(self, kind: str, token_id: str) -> tuple[str, tuple[str, ...]] | None:
        if kind != "revoked" or self.revocation is None:
            return None
        command = tuple(part.replace("{jti}", token_id) for part in self.revocation.command)
        return self.revocation.dependency, command

    @property
    def revokes_in(self) -> str:
        return self.revocation.dependency if self.revocation is not None else ""

    def read(self, credential: str) -> Known:
        """The claims `sub` and `exp`; nothing where it is no JWT."""
        try:
            claims = jwt.decode(credential, options={"verify_signature": False})
        except jwt.PyJWTError:
            return Known()
        subject, expires = claims.get("sub"), claims.get("exp")
        return Known(subject if isinstance(subject, str) else "", expires if isinstance(expires, int | float) else None)

    def _claims(self, request: Request, ahead_s: int) -> Claims:
        issued = request.now_s + ahead_s
        return {
            **self.claims,
            **{_NAMED[key]: request.settings[setting] for key, setting in self.open_settings.items()},
            **({"nbf": issued} if self.not_before else {}),
            "sub": request.subject,
            "iat": issued,
            "exp": issued + self.lifetime_s,
            "jti": request.token_id,
        }


def _moved(claims: Claims, by_s: int) -> Claims:
    """The same token, made so many seconds later."""
    return {name: value + by_s if name in {"iat", "nbf", "exp"} else value for name, value in claims.items()}


def _without(claims: Claims, left_out: str) -> Claims:
    return {name: value for name, value in claims.items() if name != left_out}


_SPOILED: dict[str, Callable[[Claims], Claims]] = {
    "expired": lambda claims: _moved(claims, claims["iat"] - claims["exp"] - _AN_HOUR_S),
    "not_yet_valid": lambda claims: {
        **claims,
        "nbf": claims["iat"] + _AN_HOUR_S,
        "exp": claims["exp"] + _AN_HOUR_S,
    },
    "wrong_issuer": lambda claims: claims | {"iss": "https://issuer.invalid"},
    "wrong_audience": lambda claims: claims | {"aud": _ANOTHER_AUDIENCE},
    "other_environment": lambda claims: (
        claims | {name: f"{claims[name]}-elsewhere" for name in ("iss", "aud") if name in claims}
    ),
    "without_subject": lambda claims: _without(claims, "sub"),
    "without_id": lambda claims: _without(claims, "jti"),
}
