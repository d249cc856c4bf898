"""Who a client of a deployed backend is: from the credentials of [deployed] to a key or a token."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import jwt

from envparity.deployed.credentials import resolve_credential
from envparity.environment import Environment

__all__ = ["Credentials", "Held", "stable_user"]

_NAMESPACE: Final = uuid.UUID("6f0b1c6e-3f0e-5c57-9d6b-2b6c1a5b7a5e")
_BEFORE_EXPIRY_S: Final = 30.0
_AT_MOST_S: Final = 300.0  # how long an opaque token is held, and a key: whoever replaces it is followed by then


@dataclass(frozen=True, repr=False)
class Held:
    """A key to make tokens with, or a token; one of them is empty, or both. `user` is whom tokens name, if known."""

    key: str = ""
    token: str = ""
    user: str = ""


class Credentials:
    """The credentials of one deployed environment, asked for again when they may have changed.

    A token is held until shortly before it expires, anything else for five minutes, and nothing longer than until
    `renew`. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        environment: Environment,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environment, self._environ, self._clock = environment, environ, clock
        self._held: Held | None = None
        self._until = 0.0

    async def get(self) -> Held:
        """The key or the token, as of now. Raises `CredentialUnavailable`."""
        if self._held is None or self._clock() >= self._until:
            self._held = await self._ask()
        return self._held

    def renew(self) -> None:
        """Ask again the next time: what was held was refused."""
        self._held = None

    async def _ask(self) -> Held:
        deployed = self._environment.deployed
        self._until = self._clock() + _AT_MOST_S
        if deployed is not None and deployed.secret is not None:
            key = await resolve_credential(deployed.secret, self._environ)
            return Held(key=key, user=deployed.user or stable_user(self._environment.name))
        if deployed is not None and deployed.token is not None:
            token = await resolve_credential(deployed.token, self._environ)
            subject, expires = _claims(token)
            if expires is not None:
                self._until = min(self._until, expires - _BEFORE_EXPIRY_S)
            return Held(token=token, user=deployed.user or subject)
        return Held()


def stable_user(environment: str) -> str:
    """An id for the user of that environment: always the same, so that all that it leaves behind is found by it."""
    return str(uuid.uuid5(_NAMESPACE, environment))


def _claims(token: str) -> tuple[str, float | None]:
    """Subject and expiry of a token, unverified: for the backend to judge. Empty and None where it is no JWT."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return "", None
    subject, expires = claims.get("sub"), claims.get("exp")
    return (subject if isinstance(subject, str) else ""), (expires if isinstance(expires, int | float) else None)
