"""Frames that are no JSON: whole text messages, or whole binary ones."""

from __future__ import annotations

from collections.abc import Mapping

from envparity.frames.codec import Codec

__all__ = ["Binary", "Text"]


class Text(Codec, frozen=True):
    """A text message is a frame of the type `text`, with the field `text`."""

    def decode(self, message: str | bytes) -> dict[str, object] | None:
        return {"text": message} if isinstance(message, str) else None

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        return str(_only(frame, "text"))

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        return "text" if "text" in frame else None


class Binary(Codec, frozen=True):
    """A binary message is a frame of the type `bytes`, with the field `hex`: two hexadecimal digits for each byte."""

    def decode(self, message: str | bytes) -> dict[str, object] | None:
        return {"hex": message.hex()} if isinstance(message, bytes) else None

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        return bytes.fromhex(str(_only(frame, "hex")))

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        return "bytes" if "hex" in frame else None


def _only(frame: Mapping[str, object], name: str) -> object:
    if set(frame) != {name}:
        raise ValueError(f"a frame of one field, {name}, and not of {', '.join(frame) or 'none'}")
    return frame[name]
