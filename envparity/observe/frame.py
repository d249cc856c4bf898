"""A message of a conversation as it is kept: decoded by the backend's codec, or text or bytes that it does not read."""

from __future__ import annotations

import hashlib

import msgspec

__all__ = ["BinaryFrame", "Frame", "JsonFrame", "TextFrame", "plain"]

_HEAD = 32  # bytes of a binary frame that are kept as they were
_DIGEST = 16  # hexadecimal digits that tell two binary frames apart


class JsonFrame(msgspec.Struct, frozen=True, tag_field="form", tag="json", omit_defaults=True):
    """A message that the backend's codec reads: `value`, decoded. `type` is what the codec says that it is, where no
    field says it of the name that the backend's file gives (`frame_type`).
    """

    value: dict[str, object]
    type: str = ""


class TextFrame(msgspec.Struct, frozen=True, tag_field="form", tag="text"):
    """A text message that the codec does not read."""

    text: str


class BinaryFrame(msgspec.Struct, frozen=True, tag_field="form", tag="binary"):
    """A binary message that the codec does not read: how many bytes, a digest of all, and the first 32 in hexadecimal.

    The digest is in capitals, for small hexadecimal digits are taken for ids, and ids are not compared.
    """

    size: int
    digest: str
    head: str = ""

    @classmethod
    def of(cls, message: bytes) -> BinaryFrame:
        """The record of these bytes: equal for equal content."""
        return cls(len(message), hashlib.sha256(message).hexdigest()[:_DIGEST].upper(), message[:_HEAD].hex())


Frame = JsonFrame | TextFrame | BinaryFrame


def plain(frame: Frame) -> dict[str, object]:
    """The JSON object that a frame holds; `{"text": …}` or `{"bytes": n, "sha256": …}` where it holds none."""
    match frame:
        case JsonFrame(value):
            return value
        case TextFrame(text):
            return {"text": text}
        case BinaryFrame(size, digest):
            return {"bytes": size, "sha256": digest}
