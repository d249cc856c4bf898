"""What the ingress says to the replica and to the client: the headers that it sets, hides, and passes as they came."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import formatdate

from envparity.launch.arrived import ANSWERED_HEADER, ARRIVED_HEADER, FORWARDED
from envparity.launch.ingress_variables import REPLICA_HEADER
from envparity.launch.process.ingress.head import RequestHead
from envparity.model.environment import UPSTREAM_HOST, Forwarded, Ingress

__all__ = ["UPSTREAM_HEADER", "answer_head", "arrival_headers", "forwarded_headers", "page"]

Header = tuple[bytes, bytes]

UPSTREAM_HEADER = b"X-Envparity-Upstream"

_ANSWERED = (ANSWERED_HEADER.encode(), b"yes")
_ARRIVED = ARRIVED_HEADER.encode()
_TOLD = {name.lower().encode(): name.encode() for name in FORWARDED}

# Set anew, or for one hop only; the rest is passed on.
_REPLACED = frozenset(
    b"host connection upgrade keep-alive te expect content-length transfer-encoding forwarded".split()
) | {REPLICA_HEADER.lower().encode()}
_HIDDEN = frozenset(
    b"server date connection keep-alive transfer-encoding x-pad x-envparity-upstream"
    b" x-accel-expires x-accel-redirect x-accel-limit-rate x-accel-buffering x-accel-charset".split()
)
# nginx writes these before all others, spelt so.
_FIRST = {name.lower(): name for name in (b"Content-Type", b"Content-Length", b"Last-Modified", b"Location")}
_NAME = re.compile(rb"[A-Za-z0-9-]+")  # others are dropped, as with ignore_invalid_headers
_PORT = re.compile(rb":([0-9]+)$")
_REASONS = {
    400: "Bad Request",
    404: "Not Found",
    405: "Not Allowed",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    501: "Not Implemented",
    502: "Bad Gateway",
    504: "Gateway Time-out",
    505: "HTTP Version Not Supported",
}


def forwarded_headers(request: RequestHead, client_host: str, ingress: Ingress, *, length: int | None) -> list[Header]:
    """What the replica is told. `length` is the body's in bytes where all of it is here, else it is as it came."""
    upgrade = request.value(b"upgrade") if ingress.upgrade else b""
    headers = [(b"Host", request.value(b"host") if ingress.host_header == "client" else UPSTREAM_HOST.encode())]
    if upgrade:
        headers += [(b"Upgrade", upgrade), (b"Connection", b"upgrade")]
    if length is not None:
        headers.append((b"Content-Length", b"%d" % length))
    elif request.is_chunked:
        headers.append((b"Transfer-Encoding", b"chunked"))
    elif request.has_body:
        headers.append((b"Content-Length", request.value(b"content-length")))
    told = [_telling_of(name, request, client_host, ingress) for name in ingress.forwarded]
    dropped = _REPLACED | {name.lower() for name, _ in told} | {name.encode() for name in ingress.drop_headers}
    passed = ((name, value) for name, value in request.headers if name.lower() not in dropped)
    return headers + told + [(name, value) for name, value in passed if _NAME.fullmatch(name)]


def _telling_of(name: Forwarded, request: RequestHead, client_host: str, ingress: Ingress) -> Header:
    """The header of that kind, which tells the replica of the client."""
    host, address = request.value(b"host"), client_host.encode()
    match name:
        case "for":
            claimed = b", ".join(value for item, value in request.headers if item.lower() == b"x-forwarded-for")
            kept = claimed + b", " if claimed and ingress.forwarded_for == "append" else b""
            return b"X-Forwarded-For", kept + address
        case "proto":
            return b"X-Forwarded-Proto", b"https" if ingress.tls else b"http"
        case "host":
            return b"X-Forwarded-Host", host
        case "port":
            port = _PORT.search(host)
            return b"X-Forwarded-Port", port[1] if port else (b"443" if ingress.tls else b"80")
        case "real-ip":
            return b"X-Real-IP", address


def arrival_headers(forwarded: Iterable[Header], watched: Iterable[str], *, answered: bool) -> list[Header]:
    """What the client is told of the request as the replica got it (see launch.arrived)."""
    there = [(name.lower(), value) for name, value in forwarded if value]
    told = [(_ARRIVED + b"-" + _TOLD[name], value) for name, value in there if name in _TOLD]
    names = {name for name, _ in there}
    only_named = [(_ARRIVED, name.encode()) for name in watched if name.encode() in names]
    return [*([_ANSWERED] if answered else []), *told, *only_named]


def answer_head(
    status: int,
    reason: bytes,
    headers: Iterable[Header],
    connection: bytes,
    upstream: str,
    *,
    arrived: Iterable[Header] = (),
    cookies: Iterable[Header] = (),
    chunked: bool = False,
) -> bytes:
    """The head of an answer, as nginx writes it. `headers` are the replica's; `upstream` says which, or "-"; `arrived`
    are `arrival_headers`, and `cookies` those that the ingress itself sets.
    """
    given = [(name, value) for name, value in headers if name.lower() not in _HIDDEN]
    lines = [b"Server: nginx", b"Date: " + formatdate(usegmt=True).encode()]
    lines += [first + b": " + value for low, first in _FIRST.items() for name, value in given if name.lower() == low]
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
    lines.append(b"Connection: " + connection)
    lines += [name + b": " + value for name, value in given if name.lower() not in _FIRST]
    lines += [name + b": " + value for name, value in arrived]
    lines.append(UPSTREAM_HEADER + b": " + upstream.encode())
    lines += [name + b": " + value for name, value in cookies]
    return b"HTTP/1.1 %d %b\r\n" % (status, reason) + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def page(
    status: int,
    connection: bytes,
    upstream: str = "-",
    *,
    arrived: Iterable[Header] = (),
    said: str = "",
    with_body: bool = True,
) -> bytes:
    """An answer of the ingress's own. `said` is the heading where it is not the status's."""
    reason = _REASONS[status]
    title = f"{status} {said or reason}"
    line = f"<center>{said}</center>\r\n" if said else ""
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {reason}</h1></center>\r\n{line}"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()
    headers = [(b"Content-Type", b"text/html"), (b"Content-Length", b"%d" % len(body))]
    return answer_head(status, reason.encode(), headers, connection, upstream, arrived=arrived) + (
        body if with_body else b""
    )
