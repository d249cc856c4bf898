"""Key pairs that the run makes: their names among what tokens are made with, and how the public half is written."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

__all__ = [
    "ISSUER",
    "OFFERED",
    "PRIVATE_KEY",
    "MakesKeys",
    "generation_name",
    "key_id_of",
    "key_maker",
    "named_key",
    "public_jwk",
    "public_pem",
]

PRIVATE_KEY: Final = "tokens.private_key"
"""What the private key is called among what tokens are made with: the name of no setting, for it has a dot."""

ISSUER: Final = "tokens.issuer"
"""What the issuer of an identity provider is called among the same."""

OFFERED: Final = ("public_key", "public_jwk", "jwks")
"""What settings may take from `tokens`."""

_THUMBPRINT: Final[Mapping[str, tuple[str, ...]]] = {"RSA": ("e", "n"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}


@runtime_checkable
class MakesKeys(Protocol):
    """A scheme whose credentials are signed with keys that the run makes and the backend does not get."""

    @property
    def algorithm(self) -> str:
        """How it signs (RFC 7518 §3.1)."""
        ...

    @property
    def provider(self) -> str | None:
        """The identity provider whose keys they are, if there is one: a dependency."""
        ...

    def made_key(self) -> str:
        """A new private key, in PEM."""
        ...

    def published(self, private_pem: str, generation: int) -> dict[str, object]:
        """The public half of the key of that generation as a JWK, with the id by which tokens name it."""
        ...

    def offered(self, private_pem: str) -> Mapping[str, str]:
        """What settings may take from `tokens`, by the names of `OFFERED`: the public half."""
        ...


def key_maker(scheme: object) -> MakesKeys | None:
    """The scheme as one that makes keys; None where it makes none."""
    return scheme if isinstance(scheme, MakesKeys) else None


def generation_name(generation: int) -> str:
    """The name of the private key after so many rotations."""
    return f"{PRIVATE_KEY}.{generation}" if generation else PRIVATE_KEY


def named_key(maker: MakesKeys) -> str:
    """What tokens of that scheme call their first key; "" where that is its thumbprint."""
    private = maker.made_key()
    named = str(maker.published(private, 0)["kid"])
    return "" if named == key_id_of(private) else named


@lru_cache(maxsize=64)
def public_pem(private_pem: str) -> str:
    """The public half in PEM. Raises ValueError for what is no private key."""
    from cryptography.hazmat.primitives import serialization

    return (
        _private(private_pem)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@lru_cache(maxsize=64)
def key_id_of(private_pem: str) -> str:
    """The thumbprint of the public half (RFC 7638). Raises ValueError for what is no private key."""
    jwk = _jwk(private_pem)
    kept = {name: jwk[name] for name in sorted((*_THUMBPRINT[jwk["kty"]], "kty"))}
    digest = hashlib.sha256(json.dumps(kept, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def public_jwk(private_pem: str, algorithm: str, key_id: str | None = None) -> dict[str, object]:
    """The public half as a JWK (RFC 7517 §4), called `key_id`, or by its thumbprint."""
    return {**_jwk(private_pem), "use": "sig", "alg": algorithm, "kid": key_id or key_id_of(private_pem)}


def _jwk(private_pem: str) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

    public = _private(private_pem).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        jwk = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        jwk = OKPAlgorithm.to_jwk(public, as_dict=True)
    return {name: str(value) for name, value in jwk.items() if name != "key_ops"}


def _private(private_pem: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    key = serialization.load_pem_private_key(private_pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise ValueError("a key of another kind")  # noqa: TRY004  to a caller it is what no private key is
    return key
