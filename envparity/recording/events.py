"""What went over between a client and a backend, as it was on the wire: typed events, in the order in which they came.

A transcript is a file of them, a line of JSON each. Credentials are in them as they travelled: they are kept in memory,
read from what somebody has saved, and written nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec

__all__ = [
    "MOST_BYTES",
    "MOST_EVENTS",
    "Event",
    "Headers",
    "HttpExchange",
    "MessageReceived",
    "MessageSent",
    "Recording",
    "WebSocketClosed",
    "WebSocketOpened",
    "first_of",
    "parts_of",
]

MOST_EVENTS: Final = 5000
"""How many events are recorded; what comes after them is passed on, and not written down."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""How much of messages and bodies is recorded."""

Headers = tuple[tuple[str, str], ...]


class _Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", repr_omit_defaults=True):
    """One thing that went over: `at_s` seconds since the recording began."""

    at_s: float = 0.0


class _OfConnection(_Event, frozen=True):
    """An event of a WebSocket; `connection` is what it is called, "a" for the first."""

    connection: str = "a"


class WebSocketOpened(_OfConnection, frozen=True, tag="open"):
    """A WebSocket was asked for, and answered with `status`, `took_s` seconds later. `target` is the path with its
    query, as it was sent. With another `transport` it is a session of long polling.
    """

    target: str = "/"
    headers: Headers = ()
    status: int = 101
    subprotocol: str = ""
    took_s: float = 0.0
    transport: Literal["websocket", "polling"] = "websocket"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class _Message(_OfConnection, frozen=True):
    """A whole message, in one of three ways: `text`, bytes in `base64`, or `json` for a text of that JSON."""

    text: str | None = None
    base64: bytes | None = None
    json: object = msgspec.UNSET

    @property
    def message(self) -> str | bytes:
        """The message of the wire."""
        if self.base64 is not None:
            return self.base64
        if self.text is not None:
            return self.text
        return msgspec.json.encode(self.json).decode() if self.json is not msgspec.UNSET else ""


class MessageSent(_Message, frozen=True, tag="sent"):
    """The client sent a message."""


class MessageReceived(_Message, frozen=True, tag="received"):
    """The backend sent a message."""


class WebSocketClosed(_OfConnection, frozen=True, tag="close"):
    """A WebSocket ended; 1006 where nobody sent a close frame, 1005 where it had no code."""

    by: Literal["client", "server"] = "client"
    code: int = 1000
    reason: str = ""


class HttpExchange(_Event, frozen=True, tag="http"):
    """A request over HTTP and its answer, `took_s` seconds later. A body is there where it is text in UTF-8 and not too
    long.
    """

    request: str = "GET /"
    headers: Headers = ()
    body: str | None = ""
    status: int = 200
    answer_headers: Headers = ()
    answer: str | None = ""
    took_s: float = 0.0

    @property
    def method(self) -> str:
        """The method of the request."""
        return self.request.partition(" ")[0]

    @property
    def target(self) -> str:
        """The path with its query, as it was sent."""
        return self.request.partition(" ")[2]


Event = WebSocketOpened | MessageSent | MessageReceived | WebSocketClosed | HttpExchange


@dataclass
class Recording:
    """All that was recorded, in order; `notes` say what was passed on and could not be."""

    events: list[Event] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _bytes: int = 0

    def note(self, text: str) -> None:
        """Keep that once."""
        if text not in self.notes:
            self.notes.append(text)

    def add(self, event: Event) -> None:
        """Keep an event, while there is room."""
        self._bytes += _size(event)
        if len(self.events) >= MOST_EVENTS:
            self.note(f"more than {MOST_EVENTS} messages and requests: the rest was not recorded")
        elif self._bytes > MOST_BYTES:
            self.note(f"more than {MOST_BYTES} bytes: the rest was not recorded")
        else:
            self.events.append(event)

    @property
    def connections(self) -> tuple[str, ...]:
        """The names of the WebSockets, in the order in which they were opened."""
        return tuple(dict.fromkeys(event.connection for event in self.events if isinstance(event, WebSocketOpened)))


def _size(event: Event) -> int:
    if isinstance(event, HttpExchange):
        return len(event.body or "") + len(event.answer or "")
    return len(event.message) if isinstance(event, MessageSent | MessageReceived) else 0


def first_of(headers: Iterable[tuple[str, str]], name: str) -> str:
    """The value of the first header of that name, "" where there is none."""
    return next((value for known, value in headers if known.lower() == name), "")


def parts_of(target: str) -> tuple[str, ...]:
    """The segments of a target's path, decoded."""
    return tuple(unquote(part) for part in urlsplit(target).path.split("/") if part)
