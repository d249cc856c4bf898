"""Which lines of a text hold a credential in full: what would open something for whoever reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envparity.support.redaction import Redaction, without_shapes
from envparity.support.redaction.names import secrets_in

__all__ = ["lines_with_credentials"]

_SHORTEST = 16
_FEWEST_CHARACTERS = 8
_MARK = "\0"
_MARKED = re.compile(f"<{_MARK}([^{_MARK}]+){_MARK}>")
_TOKEN = "<token>"  # noqa: S105  what stands for a JSON Web Token
_IN_A_QUERY = re.compile(r"[?&][A-Za-z0-9_.-]{1,40}=[^\s&#\"'<>\\]+")


def lines_with_credentials(text: str, secrets: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What was told, by its name, and the line that holds it, which still does.

    `secrets` are values and their names. One that a word or a short number could be by chance does not count, nor do
    the host and user of a URL: what is looked for is its password. Any JSON Web Token counts, but for one that stands
    in the query of a request: whoever sends it there has published it already.
    """
    telling = Redaction((part, f"<{_MARK}{name}{_MARK}>") for value, name in secrets for part in _telling(value))
    if not _told(telling, text):
        return
    for line in text.splitlines():
        yield from ((name, line) for name in _told(telling, line))


def _told(telling: Redaction, text: str) -> tuple[str, ...]:
    names = dict.fromkeys(_MARKED.findall(telling.text(text.replace(_MARK, ""))))
    without_queries = _IN_A_QUERY.sub("", text)
    if without_shapes(without_queries).count(_TOKEN) > without_queries.count(_TOKEN):
        names["a token"] = None
    return tuple(names)


def _telling(value: str) -> Iterator[str]:
    parts = tuple(secrets_in(value)) if "://" in value else (value,)
    return (part for part in parts if len(part) >= _SHORTEST and len(set(part)) >= _FEWEST_CHARACTERS and _mixed(part))


def _mixed(text: str) -> bool:
    """Words are letters alone, and times are digits alone."""
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text))
