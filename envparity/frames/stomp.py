"""STOMP 1.2: a command, headers, a blank line, a body and NUL; between frames line ends, which are heart-beats."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from envparity.frames.alone import ConversingCodec
from envparity.frames.codec import Beat, Dialogue, Received
from envparity.frames.decoding import decoded_json
from envparity.frames.hexadecimal import bytes_in, bytes_of, text_or_bytes

__all__ = ["Stomp"]

_ESCAPED: Final = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", ":": "\\c"}
_UNESCAPED: Final = {escaped: character for character, escaped in _ESCAPED.items()}
_UNESCAPED_COMMANDS: Final = {"CONNECT", "CONNECTED"}  # for the sake of STOMP 1.0
_HEAD: Final = re.compile(rb"([^\r\n\0]+)\r?\n((?:[^\r\n\0]+\r?\n)*)\r?\n")
_FIELDS: Final = {"command", "headers", "body"}


class Stomp(ConversingCodec, frozen=True):
    """A frame has a `command`, by which it is called, `headers`, which are texts, and a `body` where it is not empty.

    A body that is no text is `{"$hex": "…"}`. Heart-beats are no frames; the client's are sent as CONNECT and CONNECTED
    agree on them.
    """

    json_body: Annotated[bool, msgspec.Meta(description="whether bodies are JSON, and values in frames")] = False

    def dialogue(self) -> Dialogue:
        return _StompDialogue(json_body=self.json_body)

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        command, headers = frame.get("command"), frame.get("headers", {})
        if not isinstance(command, str) or not command or not isinstance(headers, Mapping) or set(frame) - _FIELDS:
            raise ValueError(f"a command, headers and a body, and not {', '.join(frame) or 'nothing'}")
        held = self._written(frame["body"]) if "body" in frame else b""
        named = {str(name): str(value) for name, value in headers.items()}
        if b"\0" in held and "content-length" not in named:
            named["content-length"] = str(len(held))
        if command not in _UNESCAPED_COMMANDS:
            named = {_replaced(name): _replaced(value) for name, value in named.items()}
        lines = (command, *(f"{name}:{value}" for name, value in named.items()))
        if any(character in line for line in lines for character in "\r\n\0"):
            raise ValueError(f"command and headers are a line each, without NUL, and not {lines!r}")
        message = "".join(f"{line}\n" for line in (*lines, "")).encode() + held + b"\0"
        try:
            return message.decode()
        except UnicodeDecodeError:
            return message

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        command = frame.get("command")
        return command if isinstance(command, str) else None

    def _written(self, body: object) -> bytes:
        if self.json_body and bytes_in(body) is None:
            return json.dumps(body, ensure_ascii=False).encode()
        return bytes_of(body)


class _StompDialogue(Dialogue):
    """What no NUL has ended yet waits for the rest of it."""

    def __init__(self, *, json_body: bool) -> None:
        self._json_body = json_body
        self._begun = b""
        self._offered = ""
        self._beat: Beat | None = None

    def received(self, message: str | bytes) -> Received:
        self._begun += message.encode() if isinstance(message, str) else message
        frames: list[dict[str, object] | str | bytes] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
            if isinstance(frame, dict) and frame["command"] == "CONNECTED":
                self._agree(_heart_beat(frame))
        return Received(tuple(frames))

    def sent(self, frame: Mapping[str, object]) -> None:
        if frame.get("command") in {"CONNECT", "STOMP"}:
            self._offered = _heart_beat(frame)

    @property
    def beat(self) -> Beat | None:
        return self._beat

    def _agree(self, asked: str) -> None:
        """What the client can do and the server wants, in milliseconds; it is sent twice as often, to be on time."""
        able, wanted = self._offered.partition(",")[0].strip(), asked.partition(",")[2].strip()
        if able.isdecimal() and wanted.isdecimal() and int(able) and int(wanted):
            self._beat = Beat("\n", max(int(able), int(wanted)) / 2000)

    def _next(self) -> dict[str, object] | str | bytes | None:
        """The next frame that is whole; what is none, up to its NUL, as it is."""
        self._begun = self._begun.lstrip(b"\r\n")
        head = _HEAD.match(self._begun)
        end = self._begun.find(b"\0")
        if head is None or 0 <= end < head.end():
            return None if end < 0 else self._taken(end + 1)
        command = head[1].decode(errors="replace")
        headers = _headers(head[2].decode(errors="replace"), escaped=command not in _UNESCAPED_COMMANDS)
        length = headers.get("content-length", "")
        if length.isdecimal():
            end = head.end() + int(length)
            if len(self._begun) <= end:
                return None
            if self._begun[end] != 0:
                return self._taken(self._begun.find(b"\0") + 1 or len(self._begun))
        elif end < 0:
            return None
        body = self._body(self._begun[head.end() : end])
        self._begun = self._begun[end + 1 :]
        frame: dict[str, object] = {"command": command, "headers": headers}
        return frame if body == "" else frame | {"body": body}

    def _taken(self, end: int) -> bytes:
        taken, self._begun = self._begun[:end], self._begun[end:]
        return taken

    def _body(self, body: bytes) -> object:
        text = text_or_bytes(body)
        if not self._json_body or not isinstance(text, str):
            return text
        try:
            return decoded_json(text)
        except ValueError:
            return text


def _headers(lines: str, *, escaped: bool) -> dict[str, str]:
    """The headers of a frame; of those of one name the first counts."""
    headers: dict[str, str] = {}
    for line in lines.split("\n")[:-1]:
        name, _, value = line.removesuffix("\r").partition(":")
        headers.setdefault(*(map(_restored, (name, value)) if escaped else (name, value)))
    return headers


def _replaced(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)


def _restored(text: str) -> str:
    return re.sub(r"\\[\\rnc]", lambda found: _UNESCAPED[found[0]], text)


def _heart_beat(frame: Mapping[str, object]) -> str:
    headers = frame.get("headers")
    return str(headers.get("heart-beat", "0,0")) if isinstance(headers, dict) else "0,0"
