"""ASP.NET Core SignalR with its JSON protocol: texts that a record separator ends, several in one message.

Of its specification: the handshake (a request of the client, an answer of the server), the messages by their numbers
1 to 9, and that either side is taken for lost when it has been silent for too long, unless it says that it is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from envparity.frames.alone import ConversingCodec
from envparity.frames.codec import Beat, Dialogue, Received
from envparity.frames.decoding import decoded_object

__all__ = ["SignalR"]

_END: Final = "\x1e"
_PING: Final = 6
_NAMES: Final = {
    1: "invocation",
    2: "stream-item",
    3: "completion",
    4: "stream-invocation",
    5: "cancel-invocation",
    _PING: "ping",
    7: "close",
    8: "ack",
    9: "sequence",
}


class SignalR(ConversingCodec, frozen=True):
    """A frame is what stands before a record separator (U+001E), a JSON object as SignalR has it.

    An invocation is called by its target, what else has a number by the name of that (completion, close), and what has
    none is the handshake. Pings of the server are no frames.
    """

    keep_alive_s: Annotated[
        float,
        msgspec.Meta(description="how often the client says that it is there, in seconds; 0: never", ge=0, le=3600),
    ] = 15.0

    def dialogue(self) -> Dialogue:
        return _SignalRDialogue(self.keep_alive_s)

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        return json.dumps(frame, ensure_ascii=False) + _END

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        number = frame.get("type")
        if number is None:
            return "handshake"
        if number in {1, 4} and isinstance(frame.get("target"), str):
            return str(frame["target"])
        return _NAMES.get(number) if isinstance(number, int) else None


class _SignalRDialogue(Dialogue):
    """Text that no separator has ended yet waits for the rest of it."""

    def __init__(self, keep_alive_s: float) -> None:
        self._begun, self._shaken = "", False
        self._beat = Beat(json.dumps({"type": _PING}) + _END, keep_alive_s) if keep_alive_s else None

    def received(self, message: str | bytes) -> Received:
        if isinstance(message, bytes):
            return Received((message,))
        *records, self._begun = (self._begun + message).split(_END)
        frames: list[dict[str, object] | str | bytes] = []
        for record in records:
            held = decoded_object(record)
            if held is None:
                frames.append(record + _END)
            elif held.get("type") != _PING:
                frames.append(held)
        return Received(tuple(frames))

    def sent(self, frame: Mapping[str, object]) -> None:
        del frame
        self._shaken = True  # the first is the handshake, before which nobody pings

    @property
    def beat(self) -> Beat | None:
        return self._beat if self._shaken else None
