"""The upgrade request, judged without a socket."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from starlette.websockets import WebSocket

from netra_backend.app.services.identity import TokenRefused
from netra_backend.app.settings import Settings
from netra_backend.app.websocket_core.handshake import (
    is_trusted,
    offered_token,
    origin_is_allowed,
    own_origin,
    selected_subprotocol,
)

SETTINGS: dict[str, Any] = {
    "ENVIRONMENT": "test",
    "DATABASE_URL": "postgresql://u:p@localhost/n",
    "REDIS_URL": "redis://localhost/0",
    "JWT_SECRET": "x" * 32,
    "JWT_ISSUER": "i",
    "JWT_AUDIENCE": "a",
    "ALLOWED_ORIGINS": ("https://app.example",),
    "TRUSTED_PROXIES": ("10.0.0.0/8",),
}


async def nowhere(*_: object) -> Any:
    """Nothing is received or sent here."""


def request(peer: str = "10.0.0.1", offered: tuple[str, ...] = (), **headers: str) -> WebSocket:
    """An upgrade request to backend.internal:8000."""
    named = {"host": "backend.internal:8000"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/ws",
        "query_string": b"",
        "client": (peer, 40000),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "subprotocols": list(offered),
    }
    return WebSocket(scope, nowhere, nowhere)


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("::ffff:10.1.2.3", True),
        ("fd00::1", True),
        ("fe80::1", False),
        ("", False),
        ("testclient", False),
        (None, False),
    ],
)
def test_only_the_listed_peers_are_trusted(peer: str | None, trusted: bool) -> None:
    """Addresses within a listed network, mapped ones too."""
    assert is_trusted(peer, [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]) is trusted


def test_forwarded_headers_of_a_trusted_peer_count() -> None:
    """Scheme and host as the ingress saw them; of a list, what the trusted peer itself wrote."""
    forwarded = request(x_forwarded_proto="http, https", x_forwarded_host="chat.example")
    assert own_origin(forwarded, trusted=True) == "https://chat.example"
    assert own_origin(forwarded, trusted=False) == "http://backend.internal:8000"


@pytest.mark.parametrize(
    ("peer", "origin", "allowed"),
    [
        ("10.0.0.1", "https://app.example", True),
        ("10.0.0.1", "https://chat.example", True),
        ("10.0.0.1", "https://chat.example:443", True),
        ("10.0.0.1", "http://chat.example", False),
        ("10.0.0.1", "https://chat.example:8443", False),
        ("10.0.0.1", "https://chat.example.evil", False),
        ("10.0.0.1", "https://chat.example/x", False),
        ("10.0.0.1", "https://chat.example@evil.example", False),
        ("10.0.0.1", "https://[", False),
        ("10.0.0.1", "null", False),
        ("10.0.0.1", "", False),
        ("11.0.0.1", "https://chat.example", False),
        ("11.0.0.1", "http://backend.internal:8000", True),
        ("11.0.0.1", "https://app.example", True),
    ],
)
def test_the_origin_is_compared_whole(peer: str, origin: str, allowed: bool) -> None:
    """Listed, or the same scheme, host and port; a stranger's forwarded headers are ignored."""
    seen = request(peer, origin=origin, x_forwarded_proto="https", x_forwarded_host="chat.example")
    assert origin_is_allowed(seen, Settings(**SETTINGS)) is allowed


def test_without_an_origin_it_is_no_browser() -> None:
    """And may connect."""
    assert origin_is_allowed(request(), Settings(**SETTINGS))


def test_the_token_is_found_in_either_header() -> None:
    """Authorization first, then the subprotocol; none when neither has it."""
    assert offered_token(request(authorization="Bearer abc")) == "abc"
    assert offered_token(request(authorization="bearer abc", offered=("jwt.eHl6",))) == "abc"
    assert offered_token(request(offered=("netra.v1", "jwt.eHl6"))) == "xyz"
    assert offered_token(request(offered=("netra.v1",))) is None


@pytest.mark.parametrize(
    "unreadable",
    [
        request(authorization="Basic abc"),
        request(authorization="Bearer"),
        request(offered=("jwt.!!",)),
        request(offered=("jwt.a",)),
        request(offered=("jwt._w",)),
    ],
)
def test_a_token_that_cannot_be_read_is_malformed(unreadable: WebSocket) -> None:
    """Another scheme, nothing, no base64url, no ASCII."""
    with pytest.raises(TokenRefused) as refused:
        offered_token(unreadable)
    assert refused.value.code == "token_malformed"


def test_only_an_offered_subprotocol_is_selected() -> None:
    """`netra.v1` or none; never the one with the token."""
    assert selected_subprotocol(request(offered=("jwt.eHl6", "netra.v1"))) == "netra.v1"
    assert selected_subprotocol(request(offered=("jwt.eHl6",))) is None
