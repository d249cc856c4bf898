"""What a codec is, and the door by which codecs come in: `envparity.frames`.

A frame is a JSON object, whatever it is on the wire: what scenarios are written in, what the contract judges, what is
recorded, compared and shown. A codec alone knows the wire. What a codec may do beside reading and writing single
messages is a protocol here, asked for and never assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import msgspec

from envparity.doors import Door

__all__ = [
    "CODECS",
    "DEFAULT_CODEC",
    "Beat",
    "Codec",
    "Converses",
    "Dialogue",
    "Posted",
    "ReadsAnswers",
    "ReadsRequests",
    "Received",
    "WritesSeveral",
    "answered",
    "posted",
    "session_of",
    "written",
]

DEFAULT_CODEC: Final = "json"
"""The codec of a backend file without a table [frames]."""


class Codec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to write frames. Its fields are the keys of the table [frames], each with its description."""

    def decode(self, message: str | bytes) -> dict[str, object] | None:
        """The frame that a text or a binary message holds; None where it is none of this codec's, and kept as it is."""
        raise NotImplementedError

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        """The message for a frame. Raises `ValueError` for one that cannot be written so."""
        raise NotImplementedError

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        """What the frame says that it is: the name by which scenarios expect it; None: its own field may."""
        raise NotImplementedError


@runtime_checkable
class WritesSeveral(Protocol):
    """A codec that may need several messages for one frame."""

    def messages(self, frame: Mapping[str, object]) -> tuple[str | bytes, ...]:
        """The messages for a frame, at least one. Raises `ValueError` for a frame that cannot be written so."""


@runtime_checkable
class Converses(Protocol):
    """A codec to which a message is more than a frame: what came before counts, or the client has to answer itself."""

    def dialogue(self) -> Dialogue:
        """What reads one connection, from its first message to its last."""


@runtime_checkable
class ReadsAnswers(Protocol):
    """A codec whose frames come over HTTP as well, in the answers of a long polling."""

    def answered(self, target: str, text: str) -> list[dict[str, object] | str] | None:
        """The frames in the answer to a request for that path and query; None where it holds none of this codec's."""


@dataclass(frozen=True)
class Posted:
    """What a client said in the body of a request: its frames, without what clients say by themselves.

    `ends` says whether its session ends with it.
    """

    frames: tuple[dict[str, object] | str, ...] = ()
    ends: bool = False


@runtime_checkable
class ReadsRequests(Protocol):
    """A codec whose frames a client may say over HTTP as well, in the bodies of requests."""

    def posted(self, target: str, text: str) -> Posted | None:
        """What a request for that path and query says with that body; None where it holds none of this codec's."""

    def session(self, target: str) -> str:
        """The session that a request for that path and query is of; "" where it is of none yet."""


@dataclass(frozen=True)
class Received:
    """What a message brought: its frames, and what clients answer to it before anything else.

    A text or bytes among the frames is a message that holds none, and is kept as it is.
    """

    frames: tuple[dict[str, object] | str | bytes, ...] = ()
    answers: tuple[str | bytes, ...] = ()


@dataclass(frozen=True)
class Beat:
    """What a client says again and again, whatever else happens: the message, and the seconds between two of them."""

    message: str | bytes
    every_s: float


class Dialogue:
    """One connection as its codec sees it. Without a method of its own it sends nothing by itself."""

    def received(self, message: str | bytes) -> Received:
        """Take a message that arrived, which may hold several frames, or none, or a piece of one."""
        raise NotImplementedError

    def overheard(self, message: str | bytes) -> tuple[dict[str, object] | str | bytes, ...]:
        """The frames in a message of a client that is listened to; most are read as if they arrived."""
        return self.received(message).frames

    def sent(self, frame: Mapping[str, object]) -> None:
        """Take note of a frame that the client is about to send."""

    @property
    def beat(self) -> Beat | None:
        """What the client says at intervals from now on."""
        return None


def written(codec: Codec, frame: Mapping[str, object]) -> tuple[str | bytes, ...]:
    """The messages for a frame by that codec. Raises `ValueError` for one that it cannot write, and `DoorFailed`."""
    with CODECS.guarding(codec):
        if isinstance(codec, WritesSeveral):
            return codec.messages(frame)
        return (codec.encode(frame),)


def answered(codec: Codec, target: str, text: str) -> list[dict[str, object] | str] | None:
    """The frames of that codec in an answer over HTTP; None where it holds none. Raises `DoorFailed`."""
    if not isinstance(codec, ReadsAnswers):
        return None
    with CODECS.guarding(codec):
        return codec.answered(target, text)


def posted(codec: Codec, target: str, text: str) -> Posted | None:
    """What a client says with that body, in frames of that codec; None where it holds none. Raises `DoorFailed`."""
    if not isinstance(codec, ReadsRequests):
        return None
    with CODECS.guarding(codec):
        return codec.posted(target, text)


def session_of(codec: Codec, target: str) -> str:
    """The session of that codec that a request for that path and query is of; "" for none. Raises `DoorFailed`."""
    if not isinstance(codec, ReadsRequests):
        return ""
    with CODECS.guarding(codec):
        return codec.session(target)


def _codec(found: object) -> type[Codec] | None:
    return found if isinstance(found, type) and issubclass(found, Codec) else None


CODECS: Final[Door[type[Codec]]] = Door("envparity.frames", "a Codec", _codec)
