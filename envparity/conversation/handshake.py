"""What a client says of itself when it connects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from envparity.conversation.addressing import target_with
from envparity.conversation.dialect import Dialect
from envparity.conversation.filling import fill
from envparity.support.redaction.spellings import IN_COOKIES

__all__ = ["FORBIDDEN_ORIGIN", "ClientIdentity", "Handshake", "SignedIn"]

FORBIDDEN_ORIGIN = "https://forbidden.invalid"


@dataclass(frozen=True, repr=False)
class ClientIdentity:
    """Who the client is, where that is not made up: the id of the scenario's unnamed user, and that user's token.

    An empty `token`: a good one is made, as it is for every other user; any other kind of token is always made.
    """

    user: str = ""
    token: str = ""


@dataclass(frozen=True, repr=False)
class SignedIn:
    """The credential that signing in gave, or what was `expected` of the answer and what came instead (`got`).

    `secrets` is all in the answer that may open something.
    """

    credential: str = ""
    expected: str = ""
    got: str = ""
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Handshake:
    """What one `connect` step sends, and the subprotocol that must be selected ("" for none).

    `first_frame` goes out as soon as the connection is accepted; None: nothing does. `user` is whose connection it is,
    as the step says it; `compression`: it is offered. `cookies` are the step's own, not yet in a header.
    `polling`: it opens a session of long polling. `carrying` are those of `offered` that carry the token. `written` are
    the ways in which the request says the same otherwise. `client` is what the client is
    called in its User-Agent, beside its library; "" for nothing.
    """

    path: str
    headers: tuple[tuple[str, str], ...]
    origin: str | None
    offered: tuple[str, ...]
    selected: str
    first_frame: dict[str, object] | None
    user: str = ""
    cookies: tuple[tuple[str, str], ...] = ()
    compression: bool = True
    polling: bool = False
    carrying: tuple[str, ...] = ()
    written: tuple[Dialect, ...] = ()
    client: str = ""

    @property
    def token_first(self) -> Handshake | None:
        """The handshake that offers what carries the token before all else; None where that changes nothing."""
        others = tuple(name for name in self.offered if name not in self.carrying)
        offered = (*self.carrying, *others)
        return None if offered == self.offered else replace(self, offered=offered)

    def with_captured(self, values: Mapping[str, object]) -> Handshake:
        """The handshake with what earlier steps captured; `values` are those of all placeholders."""
        return replace(
            self,
            path=target_with(self.path, values),
            headers=tuple((name, str(fill(value, values))) for name, value in self.headers),
            origin=None if self.origin is None else str(fill(self.origin, values)),
            cookies=tuple((name, str(fill(value, values))) for name, value in self.cookies),
        )

    def with_cookies(self, kept: Iterable[tuple[str, str]]) -> Handshake:
        """The handshake whose one header of cookies (RFC 6265 §5.4) has these, and then its own in their place."""
        own = {name: quote(value, safe=IN_COOKIES) for name, value in self.cookies}
        pairs = {**dict(kept), **own}
        if not pairs:
            return self
        headers = dict(self.headers)
        name = next((known for known in headers if known.lower() == "cookie"), "Cookie")
        given = headers.get(name, "")
        headers[name] = "; ".join(filter(None, (given, *(f"{key}={value}" for key, value in pairs.items()))))
        return replace(self, headers=tuple(headers.items()), cookies=())
