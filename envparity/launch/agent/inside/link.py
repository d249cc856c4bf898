"""The agent's one client: whoever first says the token."""

from __future__ import annotations

import contextlib
import hmac
import json
import socket
import time
from pathlib import Path

from .command import RequestRefused

LINE_BYTES = 4 << 20
FIRST_LINE_BYTES = 4096
FIRST_LINE_S = 5.0
SEND_S = 10.0
STRANGERS = 8
EVERY_INTERFACE = ("", "*", "0.0.0.0", "::", "[::]")  # noqa: S104  refused, but in a container
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))


def listen(where: str, marks: tuple[Path, ...] = CONTAINER_MARKS) -> socket.socket:
    """A listener at `host:port`. Raises `RequestRefused` for every interface, unless `marks` show a container."""
    host, _, port = where.rpartition(":")
    if host in EVERY_INTERFACE and not any(mark.exists() for mark in marks):
        raise RequestRefused(where + " is every interface, and this is no container")
    return socket.create_server((host, int(port)), backlog=16)


class OwnerLink:
    """Listens, turns strangers away, and carries lines to and from the owner. `over` when the owner has gone."""

    def __init__(self, listener: socket.socket, token: str, unclaimed_s: float) -> None:
        self._listener, self._token = listener, token.encode()
        self._strangers: dict[socket.socket, tuple[bytearray, float]] = {}
        self._owner: socket.socket | None = None
        self._buffer = bytearray()
        self._claimed_by = time.monotonic() + unclaimed_s
        self.over = False

    @property
    def descriptors(self) -> list[int]:
        """All that it may have to read from."""
        owner = [self._owner] if self._owner is not None else []
        return [socket_.fileno() for socket_ in (self._listener, *owner, *self._strangers)]

    @property
    def deadline(self) -> float:
        """When `late` has something to do, on the monotonic clock."""
        deadlines = [until for _, until in self._strangers.values()]
        if self._owner is None:
            deadlines.append(self._claimed_by)
        return min(deadlines, default=float("inf"))

    def late(self) -> None:
        """Turn away who has said no token in time; be over where nobody ever came."""
        now = time.monotonic()
        for stranger, (_, until) in list(self._strangers.items()):
            if until <= now:
                self._turn_away(stranger, "no token in time")
        if self._owner is None and self._claimed_by <= now:
            self.over = True

    def ready(self, descriptor: int, hello: dict[str, object]) -> None:
        """Read there. A new owner is told `hello`."""
        if descriptor == self._listener.fileno():
            self._accept()
        elif self._owner is not None and descriptor == self._owner.fileno():
            data = _received(self._owner)
            self._buffer += data
            self.over = self.over or not data or len(self._buffer) > LINE_BYTES
        else:
            stranger = next((socket_ for socket_ in self._strangers if socket_.fileno() == descriptor), None)
            if stranger is not None:
                self._first_line(stranger, hello)

    def line(self) -> bytes | None:
        """The next whole line from the owner, or None."""
        line, newline, rest = bytes(self._buffer).partition(b"\n")
        if not newline:
            return None
        self._buffer = bytearray(rest)
        return line

    def tell(self, message: dict[str, object]) -> None:
        """Send the owner one message; an owner that does not take it has gone."""
        if self._owner is None:
            return
        try:
            self._owner.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.over = True

    def close(self) -> None:
        """End every connection, and listen no more."""
        owner = [self._owner] if self._owner is not None else []
        for socket_ in (self._listener, *owner, *self._strangers):
            socket_.close()

    def abandon(self) -> None:
        """In a child: forget the descriptors, which the child has closed, so that nobody closes their numbers again."""
        owner = [self._owner] if self._owner is not None else []
        for socket_ in (self._listener, *owner, *self._strangers):
            socket_.detach()

    def _accept(self) -> None:
        stranger, _ = self._listener.accept()
        stranger.settimeout(SEND_S)
        stranger.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._strangers[stranger] = (bytearray(), time.monotonic() + FIRST_LINE_S)
        if len(self._strangers) > STRANGERS:
            self._turn_away(stranger, "too many clients")

    def _first_line(self, stranger: socket.socket, hello: dict[str, object]) -> None:
        buffer, _ = self._strangers[stranger]
        data = _received(stranger)
        buffer += data
        line, newline, rest = bytes(buffer).partition(b"\n")
        if not data or len(line) > FIRST_LINE_BYTES:
            self._turn_away(stranger, "")
        elif newline and not hmac.compare_digest(line.strip(), self._token):
            self._turn_away(stranger, "wrong token")
        elif newline and self._owner is not None:
            self._turn_away(stranger, "the agent has a client already")
        elif newline:
            del self._strangers[stranger]
            self._owner, self._buffer = stranger, bytearray(rest)
            self.tell({"event": "hello", **hello})

    def _turn_away(self, stranger: socket.socket, why: str) -> None:
        del self._strangers[stranger]
        if why:
            with contextlib.suppress(OSError):
                stranger.sendall(json.dumps({"event": "refused", "error": why}).encode() + b"\n")
        stranger.close()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError:
        return b""
