"""What a transcript says, in the questions that tests ask. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

from envparity.observe.frame import plain
from envparity.observe.transcript import (
    ConnectionClosed,
    ControlDone,
    Event,
    FrameReceived,
    FrameSent,
    HandshakeAnswered,
    Transcript,
)

__all__ = ["Closed", "closes", "connections", "controls", "handshakes", "named", "received", "sent", "types"]


E = TypeVar("E", bound=Event)


class Closed(NamedTuple):
    """How a connection ended: RFC 6455 close code and reason, and who began, "client" or "server"."""

    code: int
    reason: str
    by: str


def received(
    transcript: Transcript, connection: str | None = None, frame_type: str | None = None
) -> list[dict[str, Any]]:
    """The frames that came, in their order: on one connection or on all, of one type or of all."""
    frames = [plain(event.frame) for event in _events(transcript, FrameReceived, connection)]
    return [frame for frame in frames if frame_type is None or frame.get("type") == frame_type]


def sent(transcript: Transcript, connection: str | None = None) -> list[dict[str, object]]:
    """What the client sent, in its order."""
    return [plain(event.frame) for event in _events(transcript, FrameSent, connection)]


def types(frames: Iterable[dict[str, object]]) -> list[str]:
    """The types of these frames."""
    return [str(frame.get("type")) for frame in frames]


def handshakes(transcript: Transcript) -> list[HandshakeAnswered]:
    """The handshake of every connection, in the order in which they were opened."""
    return _events(transcript, HandshakeAnswered, None)


def connections(transcript: Transcript) -> list[str]:
    """The script's names of the connections, in the order in which they were opened."""
    return list(dict.fromkeys(event.connection for event in handshakes(transcript)))


def closes(transcript: Transcript, connection: str | None = None) -> list[Closed]:
    """How connections ended, in their order."""
    return [Closed(event.code, event.reason, event.by) for event in _events(transcript, ConnectionClosed, connection)]


def controls(transcript: Transcript, action: str) -> list[ControlDone]:
    """What came of every such control step: `controls(transcript, "stopped")`."""
    return [event for event in _events(transcript, ControlDone, None) if event.action == action]


def named(transcript: Transcript, name: str) -> str:
    """The generated value behind a placeholder: `named(transcript, "uuid:m1")`. KeyError where there is none."""
    for value, placeholder in transcript.names.items():
        if placeholder == f"<{name}>":
            return value
    raise KeyError(name)


def _events(transcript: Transcript, kind: type[E], connection: str | None) -> list[E]:
    return [event for event in transcript.events if isinstance(event, kind) and connection in (None, event.connection)]
