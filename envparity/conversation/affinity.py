"""The cookie by which an ingress keeps a client at its replica, kept as a browser would keep it."""

from __future__ import annotations

from collections.abc import Iterable

from websockets.http11 import Response

from envparity.launch.ingress_variables import AFFINITY_COOKIE

__all__ = ["AffinityCookies", "with_cookie"]


class AffinityCookies:
    """What the ingress has set for each user of one conversation."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def keep(self, user: str, response: Response | None) -> None:
        """Remember what that answer sets for the user; other cookies are no matter of the ingress."""
        self.keep_lines(user, response.headers.get_all("Set-Cookie") if response is not None else ())

    def keep_lines(self, user: str, lines: Iterable[str]) -> None:
        """Remember what headers Set-Cookie of these values set for the user."""
        for header in lines:
            pair = header.partition(";")[0].strip()
            if pair.startswith(f"{AFFINITY_COOKIE}="):
                self._kept[user] = pair

    def without_own(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers of an answer without those that set a cookie of the ingress."""
        return [
            (name, value)
            for name, value in headers
            if not (name.lower() == "set-cookie" and value.startswith(f"{AFFINITY_COOKIE}="))
        ]

    def of(self, user: str) -> str:
        """The user's cookie as a request has it, `name=value`; "" where there is none."""
        return self._kept.get(user, "")


def with_cookie(headers: Iterable[tuple[str, str]], cookie: str) -> dict[str, str]:
    """These headers with that cookie behind the others (RFC 6265 section 5.4); as they are where it is empty."""
    given = dict(headers)
    if cookie:
        name = next((text for text in given if text.lower() == "cookie"), "Cookie")
        given[name] = "; ".join(filter(None, (given.get(name, ""), cookie)))
    return given
