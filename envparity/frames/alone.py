"""Codecs that read a connection rather than single messages: how one of their messages is read by itself."""

from __future__ import annotations

from envparity.frames.codec import Codec, Dialogue

__all__ = ["ConversingCodec"]


class ConversingCodec(Codec, frozen=True):
    """A codec with a dialogue. By itself a message is read as the first of a connection."""

    def dialogue(self) -> Dialogue:
        """What reads one connection."""
        raise NotImplementedError

    def decode(self, message: str | bytes) -> dict[str, object] | None:
        frames = self.dialogue().received(message).frames
        held = frames[0] if len(frames) == 1 else None
        return held if isinstance(held, dict) else None
