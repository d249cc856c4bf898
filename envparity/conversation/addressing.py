"""Where a client goes: paths and queries with placeholders, percent-encoded where a value must be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from envparity.conversation.filling import fill
from envparity.model.step import PLACEHOLDER, Query

__all__ = ["query_text", "target_with", "wrong_target"]

_TARGET = re.compile(r"/[^\s#]*")


def query_text(query: Query, values: Mapping[str, object]) -> str:
    """The query as it is sent: a text as it stands, a table percent-encoded; what `values` does not have stays."""
    if isinstance(query, str):
        return str(fill(query, values))
    return "&".join(f"{quote(name, safe='')}={_encoded(value, values)}" for name, value in _pairs(query))


def target_with(target: str, values: Mapping[str, object]) -> str:
    """A path and query with what was captured, percent-encoded; slashes stay in the path.

    A path that is one placeholder and nothing else is that value as it stands.
    """
    path, mark, query = target.partition("?")
    if PLACEHOLDER.fullmatch(path):
        path = str(fill(path, values))
        return f"{path}{'&' if '?' in path else '?'}{query}" if mark else path
    return _substituted(path, values, "/") + mark + _substituted(query, values, "")


def wrong_target(target: str) -> bool:
    """Whether that is no path with a query that a request can have (RFC 9112 §3.2.1)."""
    return _TARGET.fullmatch(target) is None


def _pairs(query: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in query.items():
        for each in value if isinstance(value, list | tuple) else (value,):
            yield name, each


def _encoded(value: object, values: Mapping[str, object]) -> str:
    """A value percent-encoded, its placeholders filled in first; those that nobody fills yet stay as they are."""
    if isinstance(value, bool):
        return str(value).lower()
    pieces, text, last = [], str(value), 0
    for found in PLACEHOLDER.finditer(text):
        name = found[0][1:-1]
        pieces.append(quote(text[last : found.start()], safe=""))
        pieces.append(quote(str(values[name]), safe="") if name in values else found[0])
        last = found.end()
    return "".join((*pieces, quote(text[last:], safe="")))


def _substituted(text: str, values: Mapping[str, object], safe: str) -> str:
    def encoded(match: re.Match[str]) -> str:
        name = match[0][1:-1]
        return quote(str(values[name]), safe=safe) if name in values else match[0]

    return PLACEHOLDER.sub(encoded, text)
