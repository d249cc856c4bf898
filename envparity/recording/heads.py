"""What a backend behind TLS is asked: the bytes of a client's requests, with the backend's own host in their heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

__all__ = ["Heads"]

_END: Final = b"\r\n\r\n"
_LINE: Final = b"\r\n"
_LONGEST: Final = 256 * 1024


class Heads:
    """The requests of one connection, as they come. `Host` becomes the backend's, and so does the page's own origin in
    `Origin` and `Referer`; all else passes as it is, and everything once a request asks for another protocol.
    """

    def __init__(self, authority: str, origin: str) -> None:
        self._authority, self._origin = authority.encode(), origin.encode()
        self._waiting = b""
        self._left = 0
        self._reads: Callable[[], bytes] = self._head

    def taken(self, data: bytes) -> bytes:
        """What goes on of that, and of what had to wait for it."""
        self._waiting += data
        passed = []
        while self._waiting:
            piece = self._rest() if self._left else self._reads()
            if not piece:
                break
            passed.append(piece)
        return b"".join(passed)

    def _take(self, length: int) -> bytes:
        piece, self._waiting = self._waiting[:length], self._waiting[length:]
        return piece

    def _rest(self) -> bytes:
        piece = self._take(self._left)
        self._left -= len(piece)
        return piece

    def _all(self) -> bytes:
        return self._take(len(self._waiting))

    def _head(self) -> bytes:
        """The next head, as the backend gets it; nothing before it is whole."""
        if _END not in self._waiting:
            if len(self._waiting) <= _LONGEST and self._waiting[:1].isalpha():
                return b""
            self._reads = self._all
            return self._all()
        head = self._take(self._waiting.index(_END) + len(_END))
        first, *lines = head[: -len(_END)].split(_LINE)
        parts = (line.partition(b":") for line in lines)
        headers = [(name, name.strip().lower(), value.strip()) for name, _, value in parts]
        given = {name: value for _, name, value in headers}
        page = b"http://" + given.get(b"host", b"")
        if b"upgrade" in given:
            self._reads = self._all
        elif given.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
            self._reads = self._chunk
        else:
            length = given.get(b"content-length", b"0")
            self._left = int(length) if length.isdigit() else 0
        written = [first, *(name + b": " + self._value(known, value, page) for name, known, value in headers)]
        return _LINE.join(written) + _END

    def _value(self, name: bytes, value: bytes, page: bytes) -> bytes:
        if name == b"host":
            return self._authority
        if name == b"origin" and value == page:
            return self._origin
        if name == b"referer" and value.startswith(page + b"/"):
            return self._origin + value.removeprefix(page)
        return value

    def _chunk(self) -> bytes:
        """The line that says how long the next chunk is (RFC 9112 §7.1)."""
        line = self._line()
        size = line.partition(b";")[0].strip()
        try:
            length = int(size, 16) if line else 0
        except ValueError:
            self._reads = self._all
            return line
        self._left = length + len(_LINE) if length else 0
        if line and not length:
            self._reads = self._trailer
        return line

    def _trailer(self) -> bytes:
        line = self._line()
        if line == _LINE:
            self._reads = self._head
        return line

    def _line(self) -> bytes:
        """The next line with its end; nothing before it is whole."""
        if _LINE not in self._waiting:
            return b""
        return self._take(self._waiting.index(_LINE) + len(_LINE))
