"""Action Cable of Rails: JSON objects, with an identifier and data that are JSON in a string each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from envparity.frames.alone import ConversingCodec
from envparity.frames.codec import Dialogue, Received
from envparity.frames.decoding import decoded_object

__all__ = ["ActionCable"]

_INSIDE: Final = ("identifier", "data")


class ActionCable(ConversingCodec, frozen=True):
    """A frame is a JSON object, in which `identifier` and `data` are objects too.

    It is called by its `type` (welcome, confirm_subscription), the client's by their `command`, and a broadcast, which
    has neither, is a `message`. Pings of the server are no frames.
    """

    def dialogue(self) -> Dialogue:
        return _ActionCableDialogue()

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        return _compact({name: _compact(value) if name in _INSIDE and isinstance(value, Mapping) else value
                         for name, value in frame.items()})  # fmt: skip

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        for name in ("type", "command"):
            if isinstance(frame.get(name), str):
                return str(frame[name])
        return "message" if "message" in frame else None


class _ActionCableDialogue(Dialogue):
    def received(self, message: str | bytes) -> Received:
        held = decoded_object(message)
        if held is None:
            return Received((message,))
        if held.get("type") == "ping":
            return Received()
        return Received(({name: _inner(value) if name in _INSIDE else value for name, value in held.items()},))


def _inner(value: object) -> object:
    """The object that a string holds; what holds none stays as it is."""
    held = decoded_object(value)
    return value if held is None else held


def _compact(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
