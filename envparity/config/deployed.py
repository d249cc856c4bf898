"""Reads the table [deployed] of an environment file: where it runs, and who a client is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import msgspec

from envparity.errors import Mistake
from envparity.model.deployed.target import is_loopback, url_problems
from envparity.model.deployment import Deployed
from envparity.support.toml.document import Document, in_words, is_there

__all__ = ["deployed_mistakes", "read_deployed"]

_FILES = ("ca", "client_certificate", "client_key")


def read_deployed(document: Document) -> Deployed:
    """What a table says in which nothing is wrong."""
    table = document.data["deployed"]
    for key in _FILES:
        if key in table:
            table = table | {key: str((document.path.parent / table[key]).resolve())}
    return msgspec.convert(table, Deployed)


def deployed_mistakes(document: Document) -> Iterator[Mistake]:
    """What is wrong with the table, if there is one, and no schema says."""
    deployed = document.table("deployed")
    for key, schemes in (("url", ("ws", "wss")), ("health", ("http", "https"))):
        url = deployed.get(key)
        if isinstance(url, str) and url:
            for expected, got in url_problems(url, schemes):
                yield document.mistake(("deployed", key), expected, got)
    given = [key for key in ("secret", "token", "oauth2") if key in deployed]
    if len(given) > 1:
        action = "a token that somebody else made needs no key to make one with: remove one of them"
        got = "both" if given == ["secret", "token"] else " and ".join(given)
        expected = "either secret or token" if got == "both" else "one of secret, token and oauth2"
        yield document.mistake(("deployed", given[-1]), expected, got, action)
    for key in _FILES:
        file = deployed.get(key)
        if isinstance(file, str) and file and not is_there(document.path.parent / file):
            got = f"{in_words(file)}, which is none"
            yield document.mistake(("deployed", key), "a file", got, "paths are relative to this file")
    yield from _client_mistakes(document, deployed)


def _client_mistakes(document: Document, deployed: Mapping[str, object]) -> Iterator[Mistake]:
    """What is wrong with how a client says who it is, by a certificate or to a token endpoint."""
    certificate = [key for key in ("client_certificate", "client_key") if key in deployed]
    if len(certificate) == 1:
        other = next(key for key in ("client_certificate", "client_key") if key not in deployed)
        yield document.mistake(("deployed", certificate[0]), f"{other} as well", "it alone", f"add {other}")
    url, oauth2 = deployed.get("url"), deployed.get("oauth2")
    if certificate and isinstance(url, str) and url.lower().startswith("ws:"):
        expected = "a url that begins with wss://, for without TLS no certificate is shown"
        yield document.mistake(("deployed", certificate[0]), expected, "one that begins with ws://")
    token_url = oauth2.get("token_url") if isinstance(oauth2, dict) else None
    if isinstance(token_url, str) and token_url:
        schemes = ("https", "http") if _is_here(token_url) else ("https",)
        for expected, got in url_problems(token_url, schemes):
            yield document.mistake(("deployed", "oauth2", "token_url"), expected, got)


def _is_here(url: str) -> bool:
    """Whether that URL is one of this machine; what can be no URL is none."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
