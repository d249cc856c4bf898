"""Headers and cookies, as they were sent and answered."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

__all__ = ["Cookie", "Header", "promised"]

_OF_THE_WAY = frozenset(
    (
        *("age", "alt-svc", "connection", "content-length", "date", "etag", "keep-alive", "last-modified", "server"),
        *("set-cookie", "transfer-encoding", "upgrade", "via", "x-powered-by", "x-request-id"),
    )
)
"""Headers that say how an answer travelled, when and by what server, and are no promise of the backend's."""

_OF_A_WEBSOCKET = "sec-websocket-"  # RFC 6455 §11.3: what they agree upon is told by itself
_OF_ENVPARITY = "x-envparity-"


class Header(msgspec.Struct, frozen=True):
    """A header of a request or an answer; `value` None: that it was there is all that is known."""

    name: str
    value: str | None = None


def promised(headers: Iterable[tuple[str, str]], origin: str) -> tuple[Header, ...]:
    """The headers of an answer that are the backend's word: in lower case, with `{origin}` for where it was asked."""
    return tuple(
        Header(name.lower(), value.replace(origin, "{origin}") if origin else value)
        for name, value in headers
        if name.lower() not in _OF_THE_WAY and not name.lower().startswith((_OF_A_WEBSOCKET, _OF_ENVPARITY))
    )


class Cookie(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cookie that an answer set, by its attributes (RFC 6265 §4.1); its value is written down nowhere.

    `domain` and `path` are "" where the answer does not say them, `{host}` stands for the host that was asked.
    `lasting`: it outlives the session. `refused` is why a client does not keep it; "" where it does.
    """

    name: str
    secure: bool = False
    http_only: bool = False
    same_site: str = ""
    domain: str = ""
    path: str = ""
    lasting: bool = False
    refused: str = ""
