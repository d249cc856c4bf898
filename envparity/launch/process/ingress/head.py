"""The head of a request: how much of it nginx takes, what it makes of it, and what it refuses. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

import h11

__all__ = ["HeadRefused", "RequestHead", "check_size", "end_of_head", "read_request"]

_FIRST_BUFFER_BYTES = 1024  # client_header_buffer_size of the template
_END = re.compile(rb"\n\r?\n")
_FOLDED = re.compile(rb"\n[ \t]")
_METHOD = re.compile(rb"[A-Z_-]+")
_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)
_NO_LIMIT = 1 << 31  # h11's own; what is too large was refused before


class HeadRefused(Exception):
    """This request is answered by the ingress itself with that status, and the connection closed after it."""

    def __init__(self, status: int, page: str = "") -> None:
        super().__init__(status, page)
        self.status, self.page = status, page


@dataclass(frozen=True)
class RequestHead:
    """A request as it came. `headers` have their names' case, and their order."""

    method: bytes
    target: bytes
    version: bytes
    headers: tuple[tuple[bytes, bytes], ...]

    def value(self, name: bytes) -> bytes:
        """The first value of that header (lower case); empty where there is none."""
        return next((value for item, value in self.headers if item.lower() == name), b"")

    def cookie(self, name: bytes) -> bytes:
        """The first value of that cookie; empty where there is none."""
        pairs = (pair for item, value in self.headers if item.lower() == b"cookie" for pair in value.split(b";"))
        return next((value for key, _, value in (pair.strip().partition(b"=") for pair in pairs) if key == name), b"")

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to go on with this connection (RFC 9112 §9.3)."""
        said = self.value(b"connection").lower()
        return b"keep-alive" in said if self.version == b"1.0" else b"close" not in said

    @property
    def is_chunked(self) -> bool:
        return bool(self.value(b"transfer-encoding"))

    @property
    def has_body(self) -> bool:
        return self.is_chunked or self.value(b"content-length") not in {b"", b"0"}


def end_of_head(received: bytes) -> int | None:
    """Where the empty line ends; None as long as it has not come."""
    found = _END.search(received)
    return found.end() if found else None


def check_size(received: bytes, max_header_bytes: int) -> None:
    """Refuse what nginx has no room for: this head, or what has come of it and goes on.

    It reads into 1 KiB first. The line in which that ends is moved into the one large buffer, and the rest must fit
    there: what was complete before does not count (ngx_http_alloc_large_header_buffer). Raises `HeadRefused` with 414
    when it is the request line that does not fit, else with 400.
    """
    end = end_of_head(received)
    size = end if end is not None else len(received) + 1
    if size <= _FIRST_BUFFER_BYTES:
        return
    moved_from = received.rfind(b"\n", 0, _FIRST_BUFFER_BYTES) + 1
    room = moved_from + max_header_bytes
    if size <= room:
        return
    if b"\n" not in received[:room]:
        raise HeadRefused(414)
    raise HeadRefused(400, "Request Header Or Cookie Too Large")


def read_request(received: bytes) -> tuple[RequestHead, h11.Connection]:
    """The request whose whole head has come, and the parser that reads its body. Raises `HeadRefused`."""
    end = end_of_head(received)
    if _FOLDED.search(received[:end]):
        raise HeadRefused(400)
    parser = h11.Connection(h11.SERVER, _NO_LIMIT)
    parser.receive_data(received)
    try:
        event = parser.next_event()
    except h11.RemoteProtocolError as error:
        raise HeadRefused(501 if error.error_status_hint == 501 else 400) from error
    if not isinstance(event, h11.Request):
        raise HeadRefused(400)
    headers = tuple((bytes(name), bytes(value)) for name, value in event.headers.raw_items())
    request = RequestHead(event.method, _target(event.target), event.http_version, headers)
    if event.http_version >= b"2":
        raise HeadRefused(505)
    if event.method == b"TRACE":
        raise HeadRefused(405)
    framings = {name.lower() for name, _ in headers} & {b"content-length", b"transfer-encoding"}
    # The method CONNECT has no path; the target of OPTIONS may be "*": nginx knows neither.
    if not _METHOD.fullmatch(event.method) or len(framings) > 1 or not request.value(b"host"):
        raise HeadRefused(400)
    return request, parser


def _target(given: bytes) -> bytes:
    """Path and query; of a whole URL the rest after its host (RFC 9112 §3.2.2)."""
    target = _ABSOLUTE.sub(b"", given, count=1)
    if target != given and not target.startswith(b"/"):
        target = b"/" + target
    if not target.startswith(b"/"):
        raise HeadRefused(400)
    return target
