"""Where an environment already runs, for what only looks at it, and where its credentials come from."""

from __future__ import annotations

import msgspec

__all__ = ["Credential", "Deployed", "OAuth2"]


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a credential comes from when it is needed; exactly one is given. `command` is run without a shell."""

    variable: str | None = None
    command: tuple[str, ...] = ()


class OAuth2(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an access token comes from: a token endpoint, by client credentials (RFC 6749 §4.4)."""

    token_url: str
    client_id: str
    client_secret: Credential
    scope: str = ""
    audience: str = ""


class Deployed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where this environment already runs, for what only looks at it: `url` (ws or wss) to connect to.

    `health` is the base URL of the backend's health paths (None: the root of the same host and port). Either `secret`,
    the key that tokens are made with, or `token` or `oauth2`, a token that somebody else made; without them, only what
    needs no token can be asked. `user` is whom the tokens name (None: an id made from the environment's name, or the
    claim `sub` of the token); `ca` a PEM bundle that is trusted instead of the system's. Nobody connects more often
    than `max_connections_per_minute`. `client_certificate` and `client_key` are what clients show (mutual TLS).
    """

    url: str
    health: str | None = None
    secret: Credential | None = None
    token: Credential | None = None
    user: str | None = None
    max_connections_per_minute: int = 30
    ca: str | None = None
    oauth2: OAuth2 | None = None
    client_certificate: str | None = None
    client_key: str | None = None

    @property
    def gives_token(self) -> bool:
        """Whether the token is somebody else's, made for one user alone."""
        return self.token is not None or self.oauth2 is not None
