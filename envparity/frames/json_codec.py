"""Frames that are JSON in text messages: objects alone, or any JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

import msgspec

from envparity.frames.codec import Codec
from envparity.frames.decoding import decoded_json, decoded_object

__all__ = ["AnyJson", "JsonObjects"]

_Pointer = Annotated[
    str,
    msgspec.Meta(
        description="where a frame says what it is, a JSON Pointer (RFC 6901): /header/type; empty: frame_type says it",
        pattern="^(/([^/~]|~[01])*)*$",
    ),
]


class JsonObjects(Codec, frozen=True):
    """A text message that holds a JSON object is a frame; any other message is kept as it is."""

    type: _Pointer = ""

    def decode(self, message: str | bytes) -> dict[str, object] | None:
        return decoded_object(message)

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        return json.dumps(frame, ensure_ascii=False)

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        return _pointed(frame, self.type)


class AnyJson(Codec, frozen=True):
    """A text message that holds any JSON is a frame. What is no object is one with a field `json`, and of that type."""

    type: _Pointer = ""

    def decode(self, message: str | bytes) -> dict[str, object] | None:
        held = _held(message)
        if held is _NOTHING:
            return None
        return held if isinstance(held, dict) and set(held) != {"json"} else {"json": held}

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        held = frame["json"] if set(frame) == {"json"} else frame
        return json.dumps(held, ensure_ascii=False)

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        return "json" if set(frame) == {"json"} else _pointed(frame, self.type)


_NOTHING = object()


def _held(message: str | bytes) -> object:
    if isinstance(message, bytes):
        return _NOTHING
    try:
        held: object = decoded_json(message)
    except ValueError:
        return _NOTHING
    return held


def _pointed(frame: Mapping[str, object], pointer: str) -> str | None:
    """The text at that place; None where there is none that could be a name, or where no place is given."""
    found: object = frame if pointer else None
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found if isinstance(found, str) else None
