"""The upgrade request: where it comes from, and how it hands over a token. Pure functions of headers and peer."""

from __future__ import annotations

import base64
import binascii
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from netra_backend.app.services.identity import TokenRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.websockets import WebSocket

    from netra_backend.app.settings import IPNetwork, Settings

SUBPROTOCOL = "netra.v1"
TOKEN_SUBPROTOCOL = "jwt."  # noqa: S105  # a prefix, not a password
_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_is_allowed(websocket: WebSocket, settings: Settings) -> bool:
    """Whether a browser on that origin may connect. Clients that are no browsers send no Origin, and may."""
    origins = websocket.headers.getlist("origin")
    if not origins:
        return True
    if len(origins) > 1:
        return False
    peer = websocket.client.host if websocket.client else None
    return origins[0] in settings.allowed_origins or _same_origin(
        origins[0], own_origin(websocket, trusted=is_trusted(peer, settings.trusted_networks))
    )


def is_trusted(peer: str | None, networks: Sequence[IPNetwork]) -> bool:
    """Whether the peer is one of TRUSTED_PROXIES."""
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def own_origin(websocket: WebSocket, *, trusted: bool) -> str:
    """The origin that the client sees us at: as the ingress forwarded it, where the ingress is trusted."""
    scheme = {"ws": "http", "wss": "https"}.get(websocket.scope["scheme"], "http")
    host = websocket.headers.get("host", "")
    if trusted:
        # Of a list, the last was written by the trusted peer itself.
        scheme = websocket.headers.get("x-forwarded-proto", scheme).rpartition(",")[2].strip()
        host = websocket.headers.get("x-forwarded-host", host).rpartition(",")[2].strip()
        scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    return f"{scheme}://{host}"


def selected_subprotocol(websocket: WebSocket) -> str | None:
    """`netra.v1` where it is offered; never one that was not (RFC 6455 §4.2.2)."""
    return SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None


def offered_token(websocket: WebSocket) -> str | None:
    """The token in the request's headers, if there is one. Raises TokenRefused when it cannot be read."""
    authorization = websocket.headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenRefused("token_malformed", "The Authorization header is not 'Bearer' and a token.")
        return token.strip()
    for offered in websocket.scope["subprotocols"]:
        if offered.startswith(TOKEN_SUBPROTOCOL):
            return _decoded(offered.removeprefix(TOKEN_SUBPROTOCOL))
    return None


def _decoded(base64url: str) -> str:
    try:
        return base64.b64decode(base64url + "=" * (-len(base64url) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise TokenRefused("token_malformed", "The subprotocol is not 'jwt.' and a token in base64url.") from None


def _same_origin(first: str, other: str) -> bool:
    """Scheme, host and port are the same (RFC 6454 §5)."""
    try:
        return _triple(first) == _triple(other)
    except ValueError:
        return False


def _triple(origin: str) -> tuple[str, str, int | None]:
    url = urlsplit(origin)
    if url.scheme not in _DEFAULT_PORTS or not url.hostname or url.path or url.query or url.username:
        raise ValueError("not an origin of the web")
    return url.scheme, url.hostname, url.port or _DEFAULT_PORTS[url.scheme]
