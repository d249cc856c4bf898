"""What the ingress says to the replica and to the client: the headers that it sets, hides, and passes as they came."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import formatdate

from envparity.launch.process.ingress.head import Request

__all__ = ["UPSTREAM_HEADER", "answer_head", "forwarded_headers", "page"]

Header = tuple[bytes, bytes]

UPSTREAM_HEADER = b"X-Envparity-Upstream"

# Set anew, or for one hop only; the rest is passed on.
_REPLACED = frozenset(
    b"host connection upgrade keep-alive te expect content-length transfer-encoding forwarded x-real-ip"
    b" x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port".split()
)
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
    405: "Not Allowed",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    501: "Not Implemented",
    502: "Bad Gateway",
    504: "Gateway Time-out",
    505: "HTTP Version Not Supported",
}


def forwarded_headers(request: Request, client_host: str, *, tls: bool, length: int | None) -> list[Header]:
    """What the replica is told. `length` is the body's in bytes where all of it is here, else it is as it came."""
    host, address = request.value(b"host"), client_host.encode()
    upgrade = request.value(b"upgrade")
    headers = [(b"Host", host)]
    if upgrade:
        headers += [(b"Upgrade", upgrade), (b"Connection", b"upgrade")]
    if length is not None:
        headers.append((b"Content-Length", b"%d" % length))
    elif request.is_chunked:
        headers.append((b"Transfer-Encoding", b"chunked"))
    elif request.has_body:
        headers.append((b"Content-Length", request.value(b"content-length")))
    port = _PORT.search(host)
    headers += [
        (b"X-Forwarded-For", address),
        (b"X-Forwarded-Proto", b"https" if tls else b"http"),
        (b"X-Forwarded-Host", host),
        (b"X-Forwarded-Port", port[1] if port else (b"443" if tls else b"80")),
        (b"X-Real-IP", address),
    ]
    passed = ((name, value) for name, value in request.headers if name.lower() not in _REPLACED)
    return headers + [(name, value) for name, value in passed if _NAME.fullmatch(name)]


def answer_head(
    status: int, reason: bytes, headers: Iterable[Header], connection: bytes, upstream: str, *, chunked: bool = False
) -> bytes:
    """The head of an answer, as nginx writes it. `headers` are the replica's; `upstream` says which, or "-"."""
    given = [(name, value) for name, value in headers if name.lower() not in _HIDDEN]
    lines = [b"Server: nginx", b"Date: " + formatdate(usegmt=True).encode()]
    lines += [first + b": " + value for low, first in _FIRST.items() for name, value in given if name.lower() == low]
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
    lines.append(b"Connection: " + connection)
    lines += [name + b": " + value for name, value in given if name.lower() not in _FIRST]
    lines.append(UPSTREAM_HEADER + b": " + upstream.encode())
    return b"HTTP/1.1 %d %b\r\n" % (status, reason) + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def page(status: int, connection: bytes, upstream: str = "-", *, said: str = "", with_body: bool = True) -> bytes:
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
    return answer_head(status, reason.encode(), headers, connection, upstream) + (body if with_body else b"")
