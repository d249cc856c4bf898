"""What a message of the wire says, by the backend's codec, and how a frame is written as one."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import shake_128

from envparity.conversation.matching import ABSENT, reach
from envparity.errors import ConfigurationError, Mistake
from envparity.frames.codec import CODECS, Beat, Codec, Converses, Dialogue, Received, answered, written
from envparity.frames.decoding import bounded
from envparity.observe.frame import BinaryFrame, Frame, JsonFrame, TextFrame

__all__ = ["FrameReading", "Wire"]


@dataclass(frozen=True)
class FrameReading:
    """Reads messages as frames and writes frames as messages. `frame_type` is the field in which frames are named
    where the codec does not name them."""

    codec: Codec
    frame_type: str

    def frame(self, message: str | bytes) -> Frame:
        """The frame that a message by itself holds, or the text or the bytes that it is. Raises `DoorFailed`."""
        with CODECS.guarding(self.codec):
            value = self.codec.decode(message)
        return self.kept(message if value is None else value)

    def kept(self, held: dict[str, object] | str | bytes) -> Frame:
        """The record of what a message held."""
        if isinstance(held, dict):
            return self.of(bounded(held))
        return TextFrame(held) if isinstance(held, str) else BinaryFrame.of(held)

    def of(self, value: dict[str, object]) -> JsonFrame:
        """The record of a frame; what it is stands beside it where its own field does not say so."""
        named = self._named(value)
        return JsonFrame(value) if named is None or named == value.get(self.frame_type) else JsonFrame(value, named)

    def type_of(self, frame: Frame) -> str | None:
        """What the frame says it is; None where it says nothing."""
        return self._named(frame.value) if isinstance(frame, JsonFrame) else None

    def messages(self, value: dict[str, object]) -> tuple[str | bytes, ...]:
        """The messages for a frame. Raises `ConfigurationError` for a frame that cannot be written so."""
        try:
            return written(self.codec, value)
        except ValueError as error:
            raise ConfigurationError([Mistake("frames", 0, "send", str(error), str(value))]) from error

    def answered(self, target: str, text: str) -> list[object] | None:
        """The frames in the answer to a request for that target; None where it holds none. Raises `DoorFailed`."""
        frames = answered(self.codec, target, text)
        return None if frames is None else [bounded(frame) if isinstance(frame, dict) else frame for frame in frames]

    def padded(self, value: dict[str, object], field: str, size: int) -> dict[str, object]:
        """The frame with `field`, which may be dotted, so long that its messages have `size` bytes.

        Where a frame says its own length, one size in a thousand or so cannot be had; it is the next one then.
        """
        length = size - self._size(_with(value, field, ""))
        for _ in range(3):
            padded = _with(value, field, _padding(length))
            missing = size - self._size(padded)
            length += missing
            if missing == 0 or length < 0:
                break
        return padded

    def _size(self, value: dict[str, object]) -> int:
        messages = self.messages(value)
        return sum(len(message.encode() if isinstance(message, str) else message) for message in messages)

    def _named(self, value: dict[str, object]) -> str | None:
        with CODECS.guarding(self.codec):
            named: object = self.codec.type_of(value)
        if named is None:
            named = value.get(self.frame_type)
        return named if isinstance(named, str) else None


def _padding(length: int) -> str:
    """So many characters, the same ones each time. What is said in earnest does not compress to nothing either: an
    index or a cache that compresses takes any number of the same character, and refuses a text of that length."""
    length = max(length, 0)
    return urlsafe_b64encode(shake_128().digest(length)).decode()[:length]


class Wire:
    """The dialogues of a conversation's connections, each by its name; without one of its own a codec reads each
    message by itself, and says nothing by itself.
    """

    def __init__(self, reading: FrameReading) -> None:
        self._reading = reading
        self._dialogues: dict[str, Dialogue] = {}

    def begin(self, connection: str) -> None:
        """A new connection is opened under that name: nothing has been said on it."""
        codec = self._reading.codec
        with CODECS.guarding(codec):
            if isinstance(codec, Converses):
                self._dialogues[connection] = codec.dialogue()

    def received(self, connection: str, message: str | bytes) -> tuple[tuple[Frame, ...], tuple[str | bytes, ...]]:
        """The frames that a message brought, and what is to be answered at once. Raises `DoorFailed`."""
        dialogue = self._dialogues.get(connection)
        if dialogue is None:
            return (self._reading.frame(message),), ()
        with CODECS.guarding(self._reading.codec):
            brought: Received = dialogue.received(message)
        return tuple(self._reading.kept(held) for held in brought.frames), brought.answers

    def sent(self, connection: str, frame: Mapping[str, object]) -> None:
        """A frame is about to be sent."""
        dialogue = self._dialogues.get(connection)
        if dialogue is not None:
            with CODECS.guarding(self._reading.codec):
                dialogue.sent(frame)

    def beat(self, connection: str) -> Beat | None:
        """What the client says at intervals on that connection, as it is now."""
        dialogue = self._dialogues.get(connection)
        if dialogue is None:
            return None
        with CODECS.guarding(self._reading.codec):
            return dialogue.beat


def _with(value: Mapping[str, object], field: str, text: str) -> dict[str, object]:
    """The frame with that text in that field; a dotted name leads to where the frame has something already."""
    if field in value or "." not in field or reach(value, field) is ABSENT:
        return {**value, field: text}
    first, _, rest = field.partition(".")
    under = value[first]
    if isinstance(under, list):
        place, _, beyond = rest.partition(".")
        filled = _with({place: under[int(place)]}, f"{place}.{beyond}" if beyond else place, text)[place]
        return {**value, first: [*under[: int(place)], filled, *under[int(place) + 1 :]]}
    return {**value, first: _with(under if isinstance(under, Mapping) else {}, rest, text)}
