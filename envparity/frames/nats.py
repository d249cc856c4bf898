"""NATS: lines of an operation and its arguments, and payloads whose length they say, in binary messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from envparity.frames.alone import ConversingCodec
from envparity.frames.codec import Dialogue, Received
from envparity.frames.decoding import decoded_object
from envparity.frames.hexadecimal import bytes_of, text_or_bytes

__all__ = ["Nats"]

_LINE: Final = b"\r\n"
_VERSION: Final = "NATS/1.0"
_PONG: Final = b"PONG\r\n"
_LENGTHS: Final = {"MSG": 1, "HMSG": 2}  # how many lengths close a line: of the whole, or of headers and whole


class Nats(ConversingCodec, frozen=True):
    """A frame has an `op`, by which it is called, and what goes with it.

    INFO has `info`, CONNECT `options`; PUB and MSG have `subject`, `reply` and `payload`, and with `headers` they are
    HPUB and HMSG; SUB has `subject`, `queue` and `sid`, UNSUB `sid` and `max`; -ERR has `error`. A payload that is no
    text is `{"$hex": "…"}`. Pings of the server are answered, and are no frames.
    """

    def dialogue(self) -> Dialogue:
        return _NatsDialogue()

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        op = frame.get("op")
        writer = _WRITERS.get(str(op))
        if writer is None:
            raise ValueError(f"op is one of {', '.join(_WRITERS)}, and not {op!r}")
        known, write = writer
        unknown = set(frame) - {"op", *known}
        if unknown:
            raise ValueError(f"{op} has {', '.join(known) or 'nothing'}, and not {', '.join(sorted(unknown))}")
        try:
            return str(op).encode() + write(frame) + _LINE
        except KeyError as missing:
            raise ValueError(f"{op} has a {missing.args[0]}") from None

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        op = frame.get("op")
        return op if isinstance(op, str) else None


class _NatsDialogue(Dialogue):
    """What is not whole yet waits for the rest of it, however the messages were cut."""

    def __init__(self) -> None:
        self._begun = b""

    def received(self, message: str | bytes) -> Received:
        self._begun += message.encode() if isinstance(message, str) else message
        frames: list[dict[str, object] | str | bytes] = []
        answers: list[str | bytes] = []
        while (taken := self._next()) is not None:
            if taken == {"op": "PING"}:
                answers.append(_PONG)
            else:
                frames.append(taken)
        return Received(tuple(frames), tuple(answers))

    def _next(self) -> dict[str, object] | bytes | None:
        """The next operation that is whole, or a line that is none."""
        line, found, rest = self._begun.partition(_LINE)
        if not found:
            return None
        op, _, said = line.decode(errors="replace").partition(" ")
        frame = _without_payload(op, said)
        if op in {"MSG", "HMSG"}:
            arguments = said.split()
            lengths = arguments[-_LENGTHS[op] :]
            if len(arguments) - len(lengths) in {2, 3} and all(map(str.isdecimal, lengths)):
                end = int(lengths[-1])
                if len(rest) < end + len(_LINE):
                    return None
                frame, rest = _delivered(op, arguments, rest[:end]), rest[end + len(_LINE) :]
        self._begun = rest
        return line + _LINE if frame is None else frame


def _without_payload(op: str, said: str) -> dict[str, object] | None:
    """The frame of an operation that is one line; None for any other."""
    if op == "INFO":
        info = decoded_object(said)
        return None if info is None else {"op": op, "info": info}
    if op == "-ERR":
        return {"op": op, "error": said.strip("'")}
    return {"op": op} if op in {"+OK", "PING", "PONG"} else None


def _delivered(op: str, arguments: list[str], held: bytes) -> dict[str, object]:
    subject, sid, *reply = arguments[: -_LENGTHS[op]]
    frame: dict[str, object] = {"op": op, "subject": subject, "sid": sid}
    if reply:
        frame["reply"] = reply[0]
    if op == "HMSG":
        size = int(arguments[-2])
        status, *lines = held[:size].decode(errors="replace").rstrip("\r\n").split("\r\n")
        if status.removeprefix(_VERSION).strip():
            frame["status"] = status.removeprefix(_VERSION).strip()
        frame["headers"] = _headers(lines)
        held = held[size:]
    return frame | {"payload": text_or_bytes(held)}


def _headers(lines: list[str]) -> dict[str, object]:
    """By name a text; a list, where a name stands several times."""
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name, []).append(value.strip())
    return {name: values[0] if len(values) == 1 else values for name, values in headers.items()}


def _addressed(frame: Mapping[str, object], *names: str) -> str:
    """The arguments that must be there, and those that may (with ? behind)."""
    words = []
    for name in names:
        optional = name.endswith("?")
        word = frame.get(name[:-1]) if optional else frame[name]
        if word is None and optional:
            continue
        if not str(word) or any(character.isspace() for character in str(word)):
            raise ValueError(f"{name.rstrip('?')} is one word, and not {word!r}")
        words.append(f" {word}")
    return "".join(words)


def _published(frame: Mapping[str, object]) -> bytes:
    held, addressed = bytes_of(frame.get("payload", "")), _addressed(frame, "subject", "reply?")
    return f"{addressed} {len(held)}\r\n".encode() + held


def _published_with_headers(frame: Mapping[str, Any]) -> bytes:
    held, addressed, lines = bytes_of(frame.get("payload", "")), _addressed(frame, "subject", "reply?"), [_VERSION]
    for name, value in frame["headers"].items():
        lines += [f"{name}: {text}" for text in (value if isinstance(value, list) else [value])]
    head = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
    return f"{addressed} {len(head)} {len(head) + len(held)}\r\n".encode() + head + held


def _nothing(frame: Mapping[str, object]) -> bytes:
    del frame
    return b""


_Writer = tuple[tuple[str, ...], Callable[[Mapping[str, object]], bytes]]
_WRITERS: Final[Mapping[str, _Writer]] = {
    "CONNECT": (("options",), lambda frame: f" {json.dumps(frame.get('options', {}), ensure_ascii=False)}".encode()),
    "PUB": (("subject", "reply", "payload"), _published),
    "HPUB": (("subject", "reply", "headers", "payload"), _published_with_headers),
    "SUB": (("subject", "queue", "sid"), lambda frame: _addressed(frame, "subject", "queue?", "sid").encode()),
    "UNSUB": (("sid", "max"), lambda frame: _addressed(frame, "sid", "max?").encode()),
    "PING": ((), _nothing),
    "PONG": ((), _nothing),
}
