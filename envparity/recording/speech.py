"""How the messages of a recording are read: by the backend file's codec, or by the one that they look like."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from envparity.errors import DoorFailed
from envparity.frames.codec import CODECS, Codec, Converses, Dialogue, Posted, answered, posted, session_of
from envparity.frames.decoding import bounded, decoded_json
from envparity.frames.json_codec import AnyJson, JsonObjects
from envparity.frames.recognising import recognised
from envparity.recording.events import HttpExchange, MessageReceived, MessageSent, Recording, WebSocketOpened, first_of

__all__ = ["Frame", "Path", "Speech", "Talk", "as_json", "dumped", "leaves", "likely_speech", "polled_by"]

Frame = dict[str, Any] | str | bytes
"""What a message holds: a frame of the codec, or the text or the bytes that it is."""
Path = tuple[str | int, ...]
"""The names and places that lead to a value."""

_TYPE_FIELDS: Final = ("type", "kind", "event", "op", "action", "msg_type", "cmd", "command", "t", "method", "name")
_POINTERS: Final = ("/header/msg_type", "/header/type", "/meta/type")


@dataclass(frozen=True)
class Speech:
    """A codec by its name, with the keys of its table, and the field in which frames are named where it does not."""

    name: str
    codec: Codec
    frame_type: str = "type"

    def type_of(self, frame: Frame) -> str | None:
        """What a frame says that it is."""
        if not isinstance(frame, dict):
            return None
        with CODECS.guarding(self.codec):
            named = self.codec.type_of(frame)
        named = frame.get(self.frame_type) if named is None else named
        return named if isinstance(named, str) and named else None

    def answer(self, event: HttpExchange) -> list[object] | None:
        """The frames in the answer to a request; None where it holds none."""
        frames = None if event.answer is None else answered(self.codec, event.target, event.answer)
        return None if frames is None else [_kept(frame) for frame in frames]

    def posted(self, event: HttpExchange) -> Posted | None:
        """What the client said with the body of a request in frames; None where it holds none."""
        return posted(self.codec, event.target, event.body) if event.body else None

    def session(self, event: HttpExchange) -> str:
        """The session that a request is of, "" for none."""
        return session_of(self.codec, event.target)

    @property
    def table(self) -> dict[str, object]:
        """The table [frames], without what is usual."""
        own = {
            name: getattr(self.codec, name)
            for name in self.codec.__struct_fields__
            if getattr(self.codec, name) != getattr(type(self.codec)(), name)
        }
        return ({} if self.name == "json" else {"codec": self.name}) | own


class Talk:
    """One connection read in both directions. What clients of a codec say by themselves is no frame."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        with CODECS.guarding(codec):
            self._from_server = codec.dialogue() if isinstance(codec, Converses) else None
            self._from_client = codec.dialogue() if isinstance(codec, Converses) else None
        self._answers: list[str | bytes] = []

    def received(self, message: str | bytes) -> tuple[Frame, ...]:
        """The frames that the backend said with that."""
        if self._from_server is None:
            return (self._alone(message),)
        with CODECS.guarding(self._codec):
            brought = self._from_server.received(message)
        self._answers += brought.answers
        return tuple(_kept(frame) for frame in brought.frames)

    def sent(self, message: str | bytes) -> tuple[Frame, ...]:
        """The frames that the client said with that, but for what a client of this codec says by itself."""
        if self._from_client is None or self._from_server is None:
            return (self._alone(message),)
        if message in self._answers:
            self._answers.remove(message)
            return ()
        with CODECS.guarding(self._codec):
            if self._is_beat(self._from_server, message):
                return ()
            frames = self._from_client.overheard(message)
            for frame in frames:
                if isinstance(frame, dict):
                    self._from_server.sent(frame)
        return tuple(_kept(frame) for frame in frames)

    @staticmethod
    def _is_beat(dialogue: Dialogue, message: str | bytes) -> bool:
        return dialogue.beat is not None and dialogue.beat.message == message

    def _alone(self, message: str | bytes) -> Frame:
        with CODECS.guarding(self._codec):
            held = self._codec.decode(message)
        return message if held is None else _kept(held)


def _kept(frame: Frame) -> Frame:
    held: Frame = bounded(frame) if isinstance(frame, dict) else frame
    return held


def likely_speech(recording: Recording) -> Speech:
    """The codec that these messages look like. Raises `DoorFailed`."""
    events = recording.events
    messages = [event.message for event in events if isinstance(event, MessageSent | MessageReceived)]
    texts = [message for message in messages if isinstance(message, str)]
    name = _named(recording, messages)
    if name:
        return _of(name)
    held = [_json(text) for text in texts]
    if messages and not texts:
        return _of("binary")
    if any(value is _NO_JSON for value in held):
        return _of("text")
    if any(not isinstance(value, dict) for value in held):
        return Speech("any-json", AnyJson(), _type_field(held)[0])
    frame_type, pointer = _type_field(held)
    return Speech("json", JsonObjects(type=pointer), frame_type)


def _named(recording: Recording, messages: Sequence[str | bytes]) -> str:
    """A protocol by its subprotocol or by what it looks like; "" where it is none that is known."""
    subprotocols: list[str] = []
    for event in recording.events:
        if isinstance(event, WebSocketOpened):
            offered = first_of(event.headers, "sec-websocket-protocol").split(",")
            subprotocols += [event.subprotocol, *(name.strip() for name in offered)]
    heard = next((event.message for event in recording.events if isinstance(event, MessageReceived)), None)
    if heard is None:
        return _polled(recording)
    return recognised(subprotocols, heard, messages)


def _polled(recording: Recording) -> str:
    """The codec whose frames came over HTTP alone; "" where none did."""
    names = (polled_by(event) for event in recording.events if isinstance(event, HttpExchange))
    return next(filter(None, names), "")


def polled_by(event: HttpExchange) -> str:
    """The codec of which that answer begins a long polling; "" for none."""
    name = recognised((), event.answer or "", ())
    return name if name and _of(name).answer(event) is not None else ""


def _type_field(held: Sequence[object]) -> tuple[str, str]:
    """The field by which most frames are named, or the pointer; the field that comes first where none is."""
    objects = [value for value in held if isinstance(value, dict)]
    counted = Counter(name for object_ in objects for name in _TYPE_FIELDS if _is_word(object_.get(name)))
    common = [name for name in _TYPE_FIELDS if objects and counted[name] == len(objects)]
    if common:
        return common[0], ""
    for pointer in _POINTERS:
        codec = JsonObjects(type=pointer)
        if objects and all(codec.type_of(object_) for object_ in objects):
            return "type", pointer
    most = max(_TYPE_FIELDS, key=lambda name: counted[name])
    return (most if counted[most] else "type"), ""


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 64 and " " not in value


_NO_JSON: Final = object()


def _json(text: str) -> object:
    try:
        held: object = decoded_json(text)
    except ValueError:
        return _NO_JSON
    return held


def _of(name: str) -> Speech:
    codec = CODECS.find(name)
    if codec is None:
        raise DoorFailed(f"the codec {name}", "it is not installed")
    return Speech(name, codec())


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """What stands in a value of JSON's kinds, neither list nor object, by the names and places that lead there."""
    if isinstance(value, dict):
        for name, under in value.items():
            yield from leaves(under, (*path, name))
    elif isinstance(value, list):
        for place, under in enumerate(value):
            yield from leaves(under, (*path, place))
    else:
        yield path, value


def as_json(text: str | None) -> object:
    """What a text of JSON holds; None where it holds none."""
    held = None if not text else _json(text)
    return None if held is _NO_JSON else held


def dumped(value: object) -> str:
    """As JSON, in one line."""
    return json.dumps(value, ensure_ascii=False)
