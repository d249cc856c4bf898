"""What the answer to an upgrade says of itself: who gave it, and what of the request had arrived there."""

from __future__ import annotations

import time

from websockets.http11 import Response

from envparity.conversation.actions import Open
from envparity.conversation.affinity import AffinityCookies
from envparity.conversation.cookies import Cookies
from envparity.conversation.resolving import Handshake
from envparity.launch.arrived import ANSWERED_HEADER, arrived_of, lost_of
from envparity.launch.port import Endpoint, Stack
from envparity.observe.headers import Cookie, promised
from envparity.observe.transcript import Answerer, HandshakeAnswered, Header

__all__ = ["UPSTREAM_HEADER", "answered", "upstream_of"]

UPSTREAM_HEADER = "X-Envparity-Upstream"  # the ingress says with it which replica it asked
_NOBODY_ASKED = "-"
_BODY_CHARACTERS = 500
_SWITCHING = 101


def answered(
    action: Open,
    stack: Stack,
    response: Response | None,
    at_s: float,
    *,
    subprotocol: str | None = None,
    error: str = "",
    status: int = 0,
) -> HandshakeAnswered:
    """How the upgrade went, by its response; without one, `status` and `error` say why there is none."""
    sent = _sent(action.handshake, stack.endpoint)
    if response is None:
        by: Answerer = "unknown" if status else "nobody"
        return HandshakeAnswered(
            at_s, action.connection, "accept", status, subprotocol, error=error, answered_by=by, sent=sent
        )
    upstream = upstream_of(response)
    by = _answered_by(stack.endpoint, response)
    nobody = upstream == _NOBODY_ASKED or (upstream is None and stack.endpoint.hops == "ingress")
    arrived: tuple[Header, ...] | None = None
    if stack.endpoint.hops == "none":
        arrived = sent
    elif stack.endpoint.hops == "ingress" and not nobody:
        arrived = arrived_of(response.headers.raw_items())
    return HandshakeAnswered(
        at_s,
        action.connection,
        "accept",
        status=response.status_code,
        subprotocol=subprotocol,
        extensions=_negotiated(response),
        replica=None if nobody else stack.replica_index(upstream),
        answered_by=by,
        body=_beginning(response),
        error=error,
        sent=sent,
        arrived=arrived,
        lost=() if arrived is None else lost_of(sent, arrived),
        headers=promised(response.headers.raw_items(), stack.endpoint.origin),
        cookies=_set_by(response, stack.endpoint, action.handshake.path),
        polling=action.handshake.polling,
    )


def _set_by(response: Response, endpoint: Endpoint, path: str) -> tuple[Cookie, ...]:
    """What the answer sets, as a browser would take it; its values stand nowhere. What the ingress sets is its own."""
    given = AffinityCookies().without_own(response.headers.raw_items())
    lines = [value for name, value in given if name.lower() == "set-cookie"]
    jar = Cookies(endpoint.server_name, tls=endpoint.tls is not None, now_s=time.time())
    return tuple(jar.told(cookie) for cookie, _ in jar.keep("", path.partition("?")[0], lines))


def upstream_of(response: Response | None) -> str | None:
    """The address that the ingress says it asked; "-" for none, None where nothing says so."""
    return response.headers.get(UPSTREAM_HEADER) if response is not None else None


def _answered_by(endpoint: Endpoint, response: Response) -> Answerer:
    match endpoint.hops:
        case "none":
            return "replica"
        case "ingress":
            return "replica" if ANSWERED_HEADER in response.headers else "ingress"
        case _:
            return "unknown"


def _sent(handshake: Handshake, endpoint: Endpoint) -> tuple[Header, ...]:
    """What the client said of itself; not what every upgrade says (RFC 6455 §4.1)."""
    origin = [Header("Origin", handshake.origin)] if handshake.origin is not None else []
    offered = [Header("Sec-WebSocket-Protocol", ", ".join(handshake.offered))] if handshake.offered else []
    given = [Header(name, value) for name, value in handshake.headers if name.lower() != "user-agent"]
    return (Header("Host", endpoint.host), *origin, *offered, *given)


def _negotiated(response: Response) -> tuple[str, ...]:
    """The extensions that were agreed upon, with their parameters (RFC 6455 §9.1)."""
    said = response.headers.get_all("Sec-WebSocket-Extensions") if response.status_code == _SWITCHING else []
    return tuple("; ".join(map(str.strip, text.split(";"))) for header in said for text in header.split(","))


def _beginning(response: Response) -> str:
    """The beginning of a refusal's body; nothing of an upgrade that was accepted."""
    body = bytes(response.body or b"")
    return body[: 4 * _BODY_CHARACTERS].decode(errors="replace")[:_BODY_CHARACTERS]
