"""In what way a conversation left its script, as far as the wire says it."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.observe.transcript import (
    ConnectionClosed,
    Departure,
    Event,
    HandshakeAnswered,
    HttpAnswered,
    Transcript,
)

__all__ = ["latest_first", "nature_on_the_wire"]


def latest_first(transcript: Transcript, departure: Departure) -> Iterator[Event]:
    """What happened on the connection where it left its script, the latest first."""
    return (event for event in reversed(transcript.events) if departure.connection in {"", event.connection})


def nature_on_the_wire(transcript: Transcript, departure: Departure) -> str:
    """`timeout`, `handshake 403`, `http 503`, `close 1006`; the kind alone where it is none of these."""
    for event in latest_first(transcript, departure) if departure.kind != "timeout" else ():
        match departure.kind, event:
            case "handshake", HandshakeAnswered(status=status):
                return f"handshake {status}"
            case "http", HttpAnswered(status=status):
                return f"http {status}"
            case "close", ConnectionClosed(code=code):
                return f"close {code}"
    return departure.kind
