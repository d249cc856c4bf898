"""The cookies of the clients of one conversation, kept and sent as a browser would (RFC 6265 and its revision).

A loopback host counts as secure, and a cookie that does not say SameSite is Lax, as in Chromium. Two hosts are of one
site where their last two labels are the same, or three under suffixes such as co.uk.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from envparity.model.deployed.target import is_loopback
from envparity.observe.headers import Cookie

__all__ = ["Cookies", "Kept"]

_SECOND_LEVEL = 3  # characters of a label such as co, com, ac before a country's two
_COUNTRY = 2


@dataclass(frozen=True, repr=False)
class Kept:
    """A cookie that a client keeps: its value, and where it goes."""

    value: str
    path: str
    cookie: Cookie


class Cookies:
    """What each client keeps. `host` is the one that all of them ask, over TLS where `tls`; `now_s` is the time of day
    in seconds since the epoch."""

    def __init__(self, host: str, *, tls: bool, now_s: float) -> None:
        self._host, self._scheme, self._now_s = host.lower(), "https" if tls else "http", now_s
        self._secure = tls or is_loopback(self._host)
        self._named_by_host = _spelled(self._host)
        self._kept: dict[str, dict[tuple[str, str, str], Kept]] = {}

    def keep(self, client: str, asked: str, lines: Iterable[str]) -> Iterator[tuple[Cookie, str]]:
        """Keep what an answer to that client sets in headers of these values, for the path that was `asked`.

        Yields each cookie with its value. The same name, domain and path is the same cookie; one that has expired goes.
        """
        kept = self._kept.setdefault(client, {})
        for line in lines:
            read = self._read(line)
            if read is None:
                continue
            cookie, value, expired = read
            path = cookie.path if cookie.path.startswith("/") else _folder(asked)
            key = (cookie.name, cookie.domain, path)
            if not cookie.refused and expired:
                kept.pop(key, None)
            elif not cookie.refused:
                kept[key] = Kept(value, path, cookie)
            yield cookie, value

    def told(self, cookie: Cookie) -> Cookie:
        """The cookie with `{host}` in its name for the host that was asked: of another host it has another name."""
        return msgspec.structs.replace(cookie, name=self._named_by_host.sub("{host}", cookie.name))

    def sent(self, client: str, path: str, origin: str | None) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
        """The cookies that go out with a request for that path from a page of that origin (None: from none).

        And, in words, each that the client keeps and does not send.
        """
        pairs: list[tuple[str, str]] = []
        withheld: list[str] = []
        same_site = origin is None or _site(origin) == _site(f"{self._scheme}://{self._host}")
        kept = self._kept.get(client, {}).values()
        for each in sorted(kept, key=lambda value: -len(value.path)):  # §5.4: longer paths first
            why = self._why_withheld(each, path.partition("?")[0], same_site=same_site)
            if why:
                withheld.append(f"{self.told(each.cookie).name}: {why}")
            else:
                pairs.append((each.cookie.name, each.value))
        return pairs, tuple(withheld)

    def value(self, client: str, name: str) -> str | None:
        """The value of that client's cookie; None where it keeps none of that name."""
        return next((each.value for key, each in self._kept.get(client, {}).items() if key[0] == name), None)

    def _why_withheld(self, kept: Kept, path: str, *, same_site: bool) -> str:
        if kept.cookie.secure and not self._secure:
            return "Secure, and the connection is without TLS"
        if not (path == kept.path or path.startswith(kept.path.rstrip("/") + "/")):
            return f"Path={kept.path}, and what is asked for is elsewhere"
        if not same_site and kept.cookie.same_site.lower() != "none":
            said = f"SameSite={kept.cookie.same_site}" if kept.cookie.same_site else "no SameSite, which is Lax"
            return f"{said}, and the page is of another site"
        return ""

    def _read(self, line: str) -> tuple[Cookie, str, bool] | None:
        """The cookie of one header with its value, and whether it has expired; None for a line that sets none."""
        pair, *attributes = (part.strip() for part in line.split(";"))
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            return None
        said = {}
        for attribute in attributes:
            key, _, given = attribute.partition("=")
            said[key.strip().lower()] = given.strip()
        domain = said.get("domain", "").lstrip(".").lower()
        cookie = Cookie(
            name=name.strip(),
            secure="secure" in said,
            http_only="httponly" in said,
            same_site=said.get("samesite", "").capitalize(),
            domain="{host}" if domain == self._host else domain,
            path=said.get("path", ""),
            lasting="max-age" in said or "expires" in said,
        )
        refused = self._why_refused(cookie, domain)
        if refused:
            cookie = msgspec.structs.replace(cookie, refused=refused)
        return cookie, value.strip().strip('"'), self._has_expired(said)

    def _why_refused(self, cookie: Cookie, domain: str) -> str:
        if cookie.secure and not self._secure:
            return "Secure, and the connection is without TLS"
        if domain and domain != self._host and (not self._host.endswith(f".{domain}") or "." not in domain):
            return "Domain is not of the host that was asked"
        if cookie.same_site == "None" and not cookie.secure:
            return "SameSite=None without Secure"
        prefixed = cookie.name.startswith(("__Secure-", "__Host-"))
        if prefixed and not cookie.secure:
            return "its name takes Secure"
        if cookie.name.startswith("__Host-") and (domain or cookie.path != "/"):
            return "its name takes Path=/ and no Domain"
        return ""

    def _has_expired(self, said: dict[str, str]) -> bool:
        age = said.get("max-age")
        if age is not None and age.lstrip("-").isdecimal():
            return int(age) <= 0
        try:
            return "expires" in said and parsedate_to_datetime(said["expires"]).timestamp() <= self._now_s
        except (ValueError, OverflowError):
            return False


def _folder(path: str) -> str:
    """The path that a cookie has by default: that of the request up to its last slash."""
    return path.partition("?")[0].rpartition("/")[0] or "/"


def _site(origin: str) -> tuple[str, str]:
    """The scheme, and the part of the host under which its owner registers names."""
    parts = urlsplit(origin)
    host = (parts.hostname or "").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        under = labels[-2:-1]
        of_a_country = len(labels[-1]) == _COUNTRY and under and len(under[0]) <= _SECOND_LEVEL and len(labels) > 2
        host = ".".join(labels[-3 if of_a_country else -2 :])
    return parts.scheme, host


def _spelled(host: str) -> re.Pattern[str]:
    """The host as it stands in a name, where dots and the like are what a name may have, and a port may come after."""
    parts = re.split(r"[^a-z0-9]+", host.strip("[]"))
    spelled = r"[^A-Za-z0-9]+".join(map(re.escape, filter(None, parts)))
    return re.compile(rf"(?<![A-Za-z0-9]){spelled or '(?!)'}(?:[^A-Za-z0-9]\d{{2,5}})?(?![A-Za-z0-9])", re.IGNORECASE)
