"""Ways to write a request for an upgrade that all say the same: libraries and browsers differ in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final, Literal

__all__ = ["DIALECTS", "Dialect", "rewritten"]

Dialect = Literal["lists without spaces", "Connection: keep-alive, Upgrade", "header names in lower case"]

DIALECTS: Final[tuple[Dialect, ...]] = (
    "lists without spaces",  # RFC 9110 §5.6.1 has them optional: aiohttp, websocket-client, ws
    "Connection: keep-alive, Upgrade",  # it is a list (RFC 6455 §4.1): Firefox
    "header names in lower case",  # RFC 9110 §5.1: undici, and whatever has come through HTTP/2
)

_LISTS = frozenset({"sec-websocket-protocol", "sec-websocket-extensions"})


def rewritten(headers: Iterable[tuple[str, str]], ways: Collection[Dialect]) -> list[tuple[str, str]]:
    """The same headers in the same sequence, written in these ways."""
    written = []
    for name, value in headers:
        pair = (name, value)
        for way in DIALECTS:
            pair = _WRITTEN[way](*pair) if way in ways else pair
        written.append(pair)
    return written


def _without_spaces(name: str, value: str) -> tuple[str, str]:
    return name, value.replace(", ", ",") if name.lower() in _LISTS else value


def _keeps_alive(name: str, value: str) -> tuple[str, str]:
    return name, "keep-alive, Upgrade" if name.lower() == "connection" else value


def _in_lower_case(name: str, value: str) -> tuple[str, str]:
    return name.lower(), value


_WRITTEN: Final[dict[Dialect, Callable[[str, str], tuple[str, str]]]] = {
    "lists without spaces": _without_spaces,
    "Connection: keep-alive, Upgrade": _keeps_alive,
    "header names in lower case": _in_lower_case,
}
