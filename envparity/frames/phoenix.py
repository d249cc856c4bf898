"""Phoenix channels, serializer 2.0.0: lists of five, and its own binary form for payloads that are bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from envparity.frames.alone import ConversingCodec
from envparity.frames.codec import Beat, Dialogue, Received
from envparity.frames.decoding import decoded_json
from envparity.frames.hexadecimal import bytes_in, hexadecimal

__all__ = ["Phoenix"]

_FIELDS: Final = ("join_ref", "ref", "topic", "event", "payload")
_PUSH, _REPLY, _BROADCAST = 0, 1, 2
_HEARTBEAT_REF: Final = "heartbeat"


class Phoenix(ConversingCodec, frozen=True):
    """A frame is `[join_ref, ref, topic, event, payload]`, as an object with these names, and is called by its event.

    A payload that is bytes is `{"$hex": "…"}`. What answers the client's heartbeats is no frame.
    """

    heartbeat_s: Annotated[
        float, msgspec.Meta(description="how often the client sends a heartbeat, in seconds; 0: never", ge=0, le=3600)
    ] = 30.0

    def dialogue(self) -> Dialogue:
        return _PhoenixDialogue(self.heartbeat_s)

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        unknown = [name for name in frame if name not in _FIELDS]
        missing = [name for name in ("topic", "event") if not isinstance(frame.get(name), str)]
        if unknown or missing:
            raise ValueError(f"topic and event, join_ref, ref and payload, and not {', '.join(frame) or 'nothing'}")
        join_ref, ref, payload = frame.get("join_ref"), frame.get("ref"), frame.get("payload", {})
        held = bytes_in(payload)
        if held is None:
            return json.dumps([join_ref, ref, frame["topic"], frame["event"], payload], ensure_ascii=False)
        parts = [str(part or "").encode() for part in (join_ref, ref, frame["topic"], frame["event"])]
        if any(len(part) > 255 for part in parts):
            raise ValueError("what goes with a binary payload has 255 bytes each at most")
        return bytes([_PUSH, *map(len, parts)]) + b"".join(parts) + held

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        event = frame.get("event")
        return event if isinstance(event, str) else None


class _PhoenixDialogue(Dialogue):
    def __init__(self, heartbeat_s: float) -> None:
        message = json.dumps([None, _HEARTBEAT_REF, "phoenix", "heartbeat", {}])
        self._beat = Beat(message, heartbeat_s) if heartbeat_s else None

    def received(self, message: str | bytes) -> Received:
        held = _listed(message) if isinstance(message, str) else _unpacked(message)
        if held is None:
            return Received((message,))
        if (held["topic"], held["ref"]) == ("phoenix", _HEARTBEAT_REF):
            return Received()
        return Received((held,))

    @property
    def beat(self) -> Beat | None:
        return self._beat


def _listed(message: str) -> dict[str, object] | None:
    try:
        held = decoded_json(message)
    except ValueError:
        return None
    if not isinstance(held, list) or len(held) != len(_FIELDS) or not all(isinstance(part, str) for part in held[2:4]):
        return None
    return dict(zip(_FIELDS, held, strict=True))


def _unpacked(message: bytes) -> dict[str, object] | None:
    """A binary message: its kind, the length of each part, the parts, and the payload.

    A client's push has a reference that a server's has not. A reply's event is its status, as Phoenix's clients see it.
    """
    kind, *_ = message or b"\xff"
    names = {_PUSH: ("join_ref", "topic", "event"), _REPLY: ("join_ref", "ref", "topic", "status"),
             _BROADCAST: ("topic", "event")}.get(kind)  # fmt: skip
    if names is None or len(message) <= len(names):
        return None
    found: dict[str, object] = dict.fromkeys(_FIELDS)
    start = 1 + len(names)
    for name, length in zip(names, message[1:start], strict=True):
        part = message[start : start + length]
        try:
            found[name] = part.decode() or None
        except UnicodeDecodeError:
            return None
        start += length
    payload = hexadecimal(message[start:])
    if start > len(message) or found["topic"] is None:
        return None
    if kind == _REPLY:
        return found | {"event": "phx_reply", "payload": {"status": found.pop("status"), "response": payload}}
    return None if found["event"] is None else found | {"payload": payload}
