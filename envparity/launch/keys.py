"""Keys that the run makes: those that tokens are signed with, and those that an identity provider signs with."""

from __future__ import annotations

from collections.abc import Mapping

from envparity.auth.jwt_key_pair import KeyPairJwt
from envparity.auth.key_pair import ISSUER, PRIVATE_KEY, MakesKeys, generation_name, key_maker
from envparity.auth.scheme import SCHEMES
from envparity.dependency.kind import SigningKey, SigningKeys
from envparity.launch.resolve import RunSecrets
from envparity.model.backend import Backend
from envparity.model.step import rotations

__all__ = ["issuer_of", "made_keys", "offered_keys", "provider_keys"]


def made_keys(backend: Backend, environment: str, secrets: RunSecrets) -> dict[str, str]:
    """The private keys with which that environment's tokens are made, by their names; none for other schemes.

    There is one more than any of the backend's scenarios rotates keys.
    """
    maker = key_maker(backend.scheme)
    if maker is None:
        return {}
    with SCHEMES.guarding(maker):
        names = [generation_name(generation) for generation in range(_generations(backend))]
        return {name: secrets.key(environment, name, maker.made_key) for name in names}


def offered_keys(backend: Backend, keys: Mapping[str, str]) -> dict[str, str]:
    """What settings may take of them."""
    maker = key_maker(backend.scheme)
    if maker is None:
        return {}
    with SCHEMES.guarding(maker):
        return {f"tokens.{what}": value for what, value in maker.offered(keys[PRIVATE_KEY]).items()}


def issuer_of(backend: Backend, sources: Mapping[str, str]) -> dict[str, str]:
    """The issuer of the provider whose tokens the backend takes, by its name among what tokens are made with."""
    maker = key_maker(backend.scheme)
    if maker is None or maker.provider is None:
        return {}
    return {ISSUER: sources[f"{maker.provider}.issuer"]}


def provider_keys(
    backend: Backend, environment: str, name: str, keys: Mapping[str, str], secrets: RunSecrets
) -> SigningKeys:
    """What that identity provider signs with: the keys of the backend's tokens where it issues them, else its own."""
    issuing, made = key_maker(backend.scheme), keys
    maker: MakesKeys = KeyPairJwt() if issuing is None or issuing.provider != name else issuing
    names = [generation_name(generation) for generation in range(_generations(backend))]
    if maker is not issuing:
        made = {key: secrets.key(environment, f"{name} {key}", maker.made_key) for key in names}
    with SCHEMES.guarding(maker):
        published = [maker.published(made[key], generation) for generation, key in enumerate(names)]
    signing = (SigningKey(str(jwk["kid"]), made[key], jwk) for key, jwk in zip(names, published, strict=True))
    return SigningKeys(maker.algorithm, tuple(signing))


def _generations(backend: Backend) -> int:
    return 1 + max((rotations(scenario.steps) for scenario in backend.scenarios), default=0)
