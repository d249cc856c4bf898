"""How a token is handed over: what a carrier adds to an upgrade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from envparity.auth.scheme import base64url
from envparity.model.backend import Carrier
from envparity.support.redaction.spellings import IN_COOKIES

__all__ = ["Carried", "carried_by"]


@dataclass(frozen=True, repr=False)
class Carried:
    """What goes out with an upgrade for a token's sake: headers, a subprotocol, a part of the query, a first frame."""

    headers: Mapping[str, str] = field(default_factory=dict)
    offered: tuple[str, ...] = ()
    query: str = ""
    first_frame: dict[str, object] | None = None


def carried_by(
    carrier: Carrier, token: str, headers: Mapping[str, str], fill: Callable[[Any, Mapping[str, object]], Any]
) -> Carried:
    """What that carrier makes of the token; `headers` are those that go out beside it, `fill` fills placeholders in."""
    values = {"token": token, "token_base64url": base64url(token)}
    if carrier.header is not None:
        name, _, value = carrier.header.partition(":")
        return Carried({name.strip(): str(fill(value.strip(), values)).strip()})
    if carrier.subprotocol is not None:
        return Carried(offered=(str(fill(carrier.subprotocol, values)),))
    if carrier.query is not None:
        return Carried(query=f"{carrier.query}={quote(token, safe='')}")
    if carrier.cookie is not None:
        # There may be one header of cookies (RFC 6265 §5.4).
        name = next((known for known in headers if known.lower() == "cookie"), "Cookie")
        cookie = f"{carrier.cookie}={quote(token, safe=IN_COOKIES)}"
        return Carried({name: "; ".join(filter(None, (headers.get(name, ""), cookie)))})
    return Carried(first_frame=fill(carrier.first_frame, values))
