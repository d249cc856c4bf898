"""What no schema can say of `[ingress]`: keys that contradict one another, or would do nothing."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from envparity.config.own_nginx import own_mistakes
from envparity.errors import Mistake
from envparity.model.environment import Ingress
from envparity.model.ingress_presets import documented
from envparity.support.toml.document import Document, in_words

__all__ = ["ingress_mistakes", "without_an_ingress"]

_NEEDED_BY_HTTP = ("connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade")
_HEADERS = {
    "for": "x-forwarded-for",
    "proto": "x-forwarded-proto",
    "host": "x-forwarded-host",
    "port": "x-forwarded-port",
    "real-ip": "x-real-ip",
}
_HTTP2 = "clients that speak HTTP/1.1, for no nginx takes a WebSocket by HTTP/2 (RFC 8441; its issue 1428 is open)"
_OLD = ("kind", "tls", "host", "idle_timeout_s", "max_body_bytes", "max_header_bytes")
_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Ingress)}


def without_an_ingress(document: Document) -> Iterator[Mistake]:
    """The mistakes of a file whose ingress is of the kind none: keys that would do nothing."""
    yield from _http2_mistakes(document)
    for key, value in document.table("ingress").items():
        if key == "preset" or (key in _DEFAULTS and key not in _OLD and _as_data(value) != _DEFAULTS[key]):
            expected = "nothing, for without an ingress it does nothing"
            action = 'set kind = "nginx", or leave it out'
            yield document.mistake(("ingress", key), expected, in_words(value), action)


def ingress_mistakes(document: Document) -> Iterator[Mistake]:
    """The mistakes of a file that has an ingress. The table may be wrong in any way: the schema tells that."""
    yield from _http2_mistakes(document)
    for key, expected, got, action in own_mistakes(document):
        yield document.mistake(("ingress", key), expected, got, action)
    if "config" in document.table("ingress"):
        return
    ingress = documented(document.table("ingress"))
    if ingress.get("strip_prefix") is True and not ingress.get("prefix"):
        action = 'add prefix = "/…", or leave it out'
        yield document.mistake(("ingress", "strip_prefix"), "a prefix to strip", "none", action)
    forwarded = _texts(ingress.get("forwarded", _DEFAULTS["forwarded"]))
    if ingress.get("forwarded_for") == "append" and "for" not in forwarded:
        action = 'add "for" to forwarded, or leave it out'
        yield document.mistake(("ingress", "forwarded_for"), "X-Forwarded-For among what is set", "not", action)
    set_anew = {_HEADERS.get(text): text for text in forwarded}
    for name in _texts(ingress.get("drop_headers")):
        if name in _NEEDED_BY_HTTP:
            expected = "headers that a proxy may leave out"
            action = "leave it out" + (", and set upgrade = false" if name in {"connection", "upgrade"} else "")
            yield document.mistake(("ingress", "drop_headers"), expected, name, action)
        elif name in set_anew:
            expected, got = "headers that the ingress does not set itself", f"{name}, which it does"
            action = f"leave {set_anew[name]!r} out of forwarded, or {name} out of drop_headers"
            yield document.mistake(("ingress", "drop_headers"), expected, got, action)


def _http2_mistakes(document: Document) -> Iterator[Mistake]:
    if document.table("ingress").get("http2") is True:
        yield document.mistake(("ingress", "http2"), _HTTP2, "true", "set false, or leave it out")


def _as_data(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _texts(value: object) -> tuple[str, ...]:
    """The texts of a list; none where it is no list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()
