"""The table [frames] of a backend file: which codec it names, and what its keys may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from envparity.doors.key_schemas import door_schema
from envparity.frames.codec import CODECS, DEFAULT_CODEC, Codec

__all__ = ["codec_of", "frames_schema"]

_TABLE: Final = "how frames are written on the wire"


def codec_of(table: Mapping[str, object]) -> type[Codec] | None:
    """The codec that the table names; None for one that is not installed. Raises `DoorFailed`."""
    return CODECS.find(table.get("codec", DEFAULT_CODEC))


def frames_schema(table: Mapping[str, object] | None = None) -> dict[str, object]:
    """What the table may hold: by the codec that it names, or without one by each of envparity's own.

    Raises `DoorFailed`.
    """
    asked = None if table is None else [str(table.get("codec", DEFAULT_CODEC))]
    return door_schema(CODECS, "codec", _TABLE, asked, lambda codec: codec, named="the codec", default=DEFAULT_CODEC)
