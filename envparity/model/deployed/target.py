"""Where a deployed backend is reached: a URL, taken apart once and checked whole."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

__all__ = ["Target", "is_loopback", "parse_target", "url_problems"]

_DEFAULT_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")  # RFC 3986 §3.3


@dataclass(frozen=True)
class Target:
    """One address to connect to. `host` is without brackets, `path` begins with / or is empty."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def tls(self) -> bool:
        return self.scheme in {"wss", "https"}

    @property
    def authority(self) -> str:
        """Host and port as a Host header has them: the port only where it is not the scheme's (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """The origin of a page that is served from there (RFC 6454)."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_target(url: str) -> Target:
    """The target of a URL in which `url_problems` finds nothing. Raises ValueError for any other."""
    problem = next(url_problems(url, ("ws", "wss", "http", "https")), None)
    if problem is not None:
        raise ValueError(f"expected {problem[0]}, got {problem[1]}")
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return Target(scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS[scheme], parts.path)


def url_problems(url: str, schemes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What is wrong with a URL, as (expected, got). Never quotes a part of it that may hold a secret."""
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        yield "a URL", "one with white space, a control character or a backslash in it"
        return
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        yield "a URL with a host, and a port from 1 to 65535 where one is named", "one that cannot be read"
        return
    if parts.scheme.lower() not in schemes:
        yield f"a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}", _scheme_got(parts.scheme)
        return
    if port == 0:
        yield "a port from 1 to 65535", "port 0"
    if not _is_host(parts):
        yield "a host name or an IP address", f"{parts.hostname!r}" if parts.hostname else "no host"
    if "@" in parts.netloc:
        yield "no user or password in the URL", "one: credentials come from secret or token"
    if "?" in url:
        yield "no query", "one"
    if "#" in url:
        yield "no fragment", "one"
    if not _PATH.fullmatch(parts.path):
        yield "a path of URL characters, anything else percent-encoded", "another character"


def is_loopback(host: str) -> bool:
    """Whether that host, a name or an address, is this machine by what it is called."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _scheme_got(scheme: str) -> str:
    return f"{scheme.lower()}:" if scheme else "no scheme"


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if "[" in parts.netloc or re.fullmatch(r"[\d.]+", host):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))
