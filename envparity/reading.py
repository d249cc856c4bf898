"""What a transcript says, in the questions that tests ask. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from envparity.observe.record import Entry, Transcript

__all__ = ["Closed", "closes", "connections", "controls", "handshakes", "named", "received", "sent", "types"]


class Closed(NamedTuple):
    """How a connection ended: RFC 6455 close code and reason, and who began, "client" or "server"."""

    code: int
    reason: str
    by: str


def received(
    transcript: Transcript, connection: str | None = None, frame_type: str | None = None
) -> list[dict[str, Any]]:
    """The frames that came, in their order: on one connection or on all, of one type or of all."""
    frames = [one.data for one in _entries(transcript, "received", connection)]
    return [one for one in frames if frame_type is None or one.get("type") == frame_type]


def sent(transcript: Transcript, connection: str | None = None) -> list[dict[str, Any]]:
    """What the client sent, in its order."""
    return [one.data for one in _entries(transcript, "sent", connection)]


def types(frames: Iterable[dict[str, Any]]) -> list[str]:
    """The types of these frames."""
    return [str(one.get("type")) for one in frames]


def handshakes(transcript: Transcript) -> list[dict[str, Any]]:
    """`status`, `subprotocol` and `replica` of every connection, in the order in which they were opened."""
    return [one.data for one in _entries(transcript, "handshake", None)]


def connections(transcript: Transcript) -> list[str]:
    """The script's names of the connections, in the order in which they were opened."""
    return list(dict.fromkeys(one.connection for one in transcript.entries if one.kind == "handshake"))


def closes(transcript: Transcript, connection: str | None = None) -> list[Closed]:
    """How connections ended, in their order."""
    return [
        Closed(one.data["code"], one.data["reason"], one.data["by"])
        for one in _entries(transcript, "close", connection)
    ]


def controls(transcript: Transcript, action: str) -> list[dict[str, Any]]:
    """What came of every such control step: `controls(transcript, "stopped")`."""
    return [one.data for one in _entries(transcript, "control", None) if action in one.data]


def named(transcript: Transcript, name: str) -> str:
    """The generated value behind a placeholder: `named(transcript, "uuid:m1")`. KeyError where there is none."""
    for value, placeholder in transcript.names.items():
        if placeholder == f"<{name}>":
            return value
    raise KeyError(name)


def _entries(transcript: Transcript, kind: str, connection: str | None) -> list[Entry]:
    return [one for one in transcript.entries if one.kind == kind and connection in (None, one.connection)]
