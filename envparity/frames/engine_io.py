"""Engine.IO 4 over a WebSocket or by long polling, and Socket.IO 4 (protocol 5) in its messages.

Of Engine.IO's packets the client's answers to pings are given here, as its clients give them by themselves. What is
said to upgrade from long polling (`2probe`, `3probe`, `5`) are frames like others: ping, pong and upgrade. What is
polled are packets, one after the other.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from envparity.frames.alone import ConversingCodec
from envparity.frames.codec import Dialogue, Posted, Received
from envparity.frames.decoding import decoded_object
from envparity.frames.hexadecimal import bytes_in, hexadecimal
from envparity.frames.polling import Polled
from envparity.frames.socket_io import Packet, packet_of, written

__all__ = ["EngineIo"]

_PACKETS: Final = ("open", "close", "ping", "pong", "message", "upgrade", "noop")
_PING: Final = "2"
_MESSAGE: Final = "4"
_SEPARATOR: Final = "\x1e"  # between the packets of an answer over HTTP
_OPENS_S: Final = 45.0  # what servers say where they are left alone: 25 s between pings, and 20 s for the answer
_NUMBERS: Final = frozenset("0123456")
_BEGINNINGS: Final = _NUMBERS | {"b"}  # of packets that are polled; b is of bytes


class EngineIo(ConversingCodec, frozen=True):
    """A frame is a packet. Of Engine.IO: open, close, pong, upgrade, with `data` where they have any.

    Of Socket.IO: connect, connect_error and disconnect, events, which are called by their names, and ack, with `args`,
    and `namespace` and `id` where they have them. Bytes are `{"$hex": "…"}`, wherever they stand. Pings are answered.
    """

    socket_io: Annotated[
        bool, msgspec.Meta(description="whether messages are Socket.IO; otherwise each is a message with its data")
    ] = True

    def dialogue(self) -> Dialogue:
        return _EngineIoDialogue(socket_io=self.socket_io)

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        message, *following = self.messages(frame)
        if following:
            raise ValueError("bytes take messages of their own")
        return message

    def messages(self, frame: Mapping[str, object]) -> tuple[str | bytes, ...]:
        """The packet, and a message for all bytes in it."""
        kind, data = frame.get("type"), frame.get("data", "")
        if kind not in _PACKETS:
            text, attachments = written(frame)
            return (_MESSAGE + text, *attachments)
        if set(frame) - {"type", "data"} and kind != "open":
            raise ValueError(f"of a {kind} there are type and data, and not {', '.join(frame)}")
        if kind == "open":
            data = json.dumps({name: value for name, value in frame.items() if name != "type"}, ensure_ascii=False)
        held = bytes_in(data)
        if held is not None and kind == "message":
            return (held,)
        if isinstance(data, str):
            return (f"{_PACKETS.index(str(kind))}{data}",)
        raise ValueError(f"the data of a {kind} is text")

    def answered(self, target: str, text: str) -> list[dict[str, object] | str] | None:
        if ("transport", "polling") not in parse_qsl(target.partition("?")[2]):
            return None
        dialogue, frames = self.dialogue(), list[dict[str, object] | str]()
        try:
            messages = _messages(text)
        except ValueError:
            return None
        for message in messages:
            frames += [frame for frame in dialogue.received(message).frames if not isinstance(frame, bytes)]
        return frames

    def posted(self, target: str, text: str) -> Posted | None:
        """A pong says nothing of its own."""
        frames = self.answered(target, text) if text else None
        if frames is None:
            return None
        kinds = [frame.get("type") if isinstance(frame, dict) else None for frame in frames]
        said = tuple(frame for frame, kind in zip(frames, kinds, strict=True) if kind != "pong")
        return Posted(said, "close" in kinds)

    def session(self, target: str) -> str:
        return dict(parse_qsl(target.partition("?")[2])).get("sid", "")

    def polled(self, target: str) -> Polled:
        return _EngineIoPolled(target)

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        kind = frame.get("event") if frame.get("type") == "event" else frame.get("type")
        return kind if isinstance(kind, str) else None


class _EngineIoDialogue(Dialogue):
    """A packet with bytes in it waits for them."""

    def __init__(self, *, socket_io: bool) -> None:
        self._socket_io = socket_io
        self._waiting: Packet | None = None

    def received(self, message: str | bytes) -> Received:
        if isinstance(message, bytes):
            return Received(self._attached(message))
        broken_off = (self._waiting.frame(),) if self._waiting is not None else ()
        self._waiting = None
        number, data = message[:1], message[1:]
        kind = _PACKETS[int(number)] if number in _NUMBERS else ""
        if kind == "ping":
            return Received(broken_off, (f"3{data}",))
        if kind == "noop":
            return Received(broken_off)
        held: dict[str, object] | str | None = message
        if kind == "message":
            held = self._said(data)
        elif kind == "open":
            opened = decoded_object(data)
            held = message if opened is None else {"type": "open"} | opened
        elif kind:
            typed: dict[str, object] = {"type": kind}
            held = typed | ({"data": data} if data else {})
        return Received(broken_off if held is None else (*broken_off, held))

    def overheard(self, message: str | bytes) -> tuple[dict[str, object] | str | bytes, ...]:
        """A client's ping is a frame: nobody answers it but the backend."""
        if isinstance(message, str) and message.startswith(_PING):
            ping: dict[str, object] = {"type": "ping"}
            return (ping | ({"data": message[1:]} if message[1:] else {}),)
        return self.received(message).frames

    def _said(self, data: str) -> dict[str, object] | None:
        """The frame in a message; None where its bytes are still to come."""
        packet = packet_of(data) if self._socket_io else None
        if packet is None:
            return {"type": "message", "data": data}
        if packet.missing:
            self._waiting = packet
            return None
        return packet.frame()

    def _attached(self, message: bytes) -> tuple[dict[str, object], ...]:
        packet = self._waiting
        if packet is None:
            return ({"type": "message", "data": hexadecimal(message)},)
        packet.attachments.append(message)
        if packet.missing:
            return ()
        self._waiting = None
        return (packet.frame(),)


class _EngineIoPolled(Polled):
    """A session without a WebSocket: packets come in the answers to GET, and go in POST, one of each at a time."""

    farewell = f"{_PACKETS.index('close')}"

    def __init__(self, target: str) -> None:
        self._path, _, query = target.partition("?")
        self._query = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in {"transport", "sid"}]
        self._query.append(("transport", "polling"))
        self._patience_s = _OPENS_S

    @property
    def target(self) -> str:
        return f"{self._path}?{urlencode(self._query)}"

    @property
    def patience_s(self) -> float:
        return self._patience_s

    def opened(self, text: str) -> tuple[str | bytes, ...]:
        messages = self.read(text)
        first = messages[0] if messages else ""
        opening = decoded_object(first[1:]) if isinstance(first, str) and first.startswith("0") else None
        if opening is None or not isinstance(opening.get("sid"), str):
            raise ValueError("no packet that opens a session")
        self._query.append(("sid", str(opening["sid"])))
        moments = (opening.get("pingInterval"), opening.get("pingTimeout"))
        self._patience_s = sum(moment for moment in moments if isinstance(moment, int | float)) / 1000 or _OPENS_S
        return messages

    def read(self, text: str) -> tuple[str | bytes, ...]:
        return _messages(text)

    def write(self, messages: Iterable[str | bytes]) -> bytes:
        packets = (message if isinstance(message, str) else "b" + b64encode(message).decode() for message in messages)
        return _SEPARATOR.join(packets).encode()

    def ends(self, message: str | bytes) -> bool:
        return message == self.farewell


def _messages(text: str) -> tuple[str | bytes, ...]:
    """The messages of a payload. Raises `ValueError` where it is none."""
    packets = text.split(_SEPARATOR)
    if not all(packet[:1] in _BEGINNINGS for packet in packets if packet) or not packets[0]:
        raise ValueError("no packets of Engine.IO")
    return tuple(
        b64decode(each_packet[1:], validate=True) if each_packet.startswith("b") else each_packet
        for each_packet in packets
        if each_packet
    )
