"""Who a client of a deployed backend is: from the credentials of [deployed] to a key or a token."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from envparity.auth.scheme import SCHEMES, Known, Scheme
from envparity.model.deployed.credentials import resolve_credential, shown_credential
from envparity.model.deployed.oauth2 import granted, shown_grant
from envparity.model.deployment import Deployed
from envparity.model.environment import Environment

__all__ = ["Credentials", "Held", "shown_source", "stable_user"]

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
    `renew`. `scheme` reads what a token says of itself; `clock` gives
    seconds since the epoch.
    """

    def __init__(
        self,
        environment: Environment,
        scheme: Scheme | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environment, self._scheme, self._environ, self._clock = environment, scheme, environ, clock
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
            known = self._read(token)
            if known.expires is not None:
                self._until = min(self._until, known.expires - _BEFORE_EXPIRY_S)
            return Held(token=token, user=deployed.user or known.subject)
        if deployed is not None and deployed.oauth2 is not None:
            access = await granted(deployed.oauth2, deployed, self._environ)
            if access.expires_in_s is not None:
                self._until = min(self._until, self._clock() + access.expires_in_s - _BEFORE_EXPIRY_S)
            return Held(token=access.token, user=deployed.user or self._read(access.token).subject)
        return Held()

    def _read(self, token: str) -> Known:
        if self._scheme is None:
            return Known()
        with SCHEMES.guarding(self._scheme):
            return self._scheme.read(token)


def shown_source(deployed: Deployed) -> str:
    """Where its key or its token comes from, in words; "" where it has none."""
    if deployed.oauth2 is not None:
        return shown_grant(deployed.oauth2)
    credential = deployed.token or deployed.secret
    return shown_credential(credential) if credential is not None else ""


def stable_user(environment: str) -> str:
    """An id for the user of that environment: always the same, so that all that it leaves behind is found by it."""
    return str(uuid.uuid5(_NAMESPACE, environment))
