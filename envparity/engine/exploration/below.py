"""What RFC 6455 says of the bytes below a message: ways to write one, and to break its rules, each with a section."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["WireCase", "wire_cases"]

_MASK: Final = b"\x01\x02\x03\x04"
_TEXT, _BINARY, _CONTINUATION, _CLOSE, _PING = 0x1, 0x2, 0x0, 0x8, 0x9
_FIN: Final = 0x80
_SHORT, _LONG = 126, 65536
_SLOW_S: Final = 0.02


@dataclass(frozen=True)
class WireCase:
    """Bytes in pieces, `every_s` seconds apart, and the section of RFC 6455 that is about them."""

    name: str
    section: str
    title: str
    pieces: tuple[bytes, ...]
    every_s: float = 0.0


def frame(first: int, payload: bytes, *, masked: bool = True, length: int | None = None) -> bytes:
    """One frame (§5.2): its first byte (FIN, reserved bits, opcode), its length, its mask, its payload."""
    size = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    if size < _SHORT:
        head = bytes([first, bit | size])
    elif size < _LONG:
        head = bytes([first, bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, bit | 127]) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    return head + _MASK + bytes(byte ^ _MASK[index % 4] for index, byte in enumerate(payload))


def wire_cases(message: bytes) -> Iterator[WireCase]:
    """Every case, with that text, which the backend understands, where a message is wanted."""
    half = max(1, len(message) // 2)
    begin, end = message[:half], message[half:]
    ping = frame(_FIN | _PING, b"are you there")
    pair = (frame(_TEXT, begin), frame(_FIN | _CONTINUATION, end))
    many = [frame(_CONTINUATION, bytes([byte])) for byte in message[1:]]
    whole = frame(_FIN | _TEXT, message)
    dribble = (*(whole[at : at + 3] for at in range(0, min(len(whole), 60), 3)), whole[60:])
    yield WireCase("whole", "5.6", "a text message in one frame", (whole,))
    yield WireCase("fragments", "5.4", "a text message in two fragments", pair)
    yield WireCase(
        "fragments-of-a-byte", "5.4", "a text message in a fragment for each byte",
        (frame(_TEXT, message[:1]), *many, frame(_FIN | _CONTINUATION, b"")),
    )  # fmt: skip
    yield WireCase("ping-between", "5.4", "a ping between two fragments of a message", (pair[0], ping, pair[1]))
    yield WireCase("slow", "5.2", "a message a few bytes at a time", tuple(filter(None, dribble)), _SLOW_S)
    yield WireCase(
        "long-length", "5.2", "a length in more bytes than it needs",
        (bytes([_FIN | _TEXT, 0xFF]) + len(message).to_bytes(8, "big") + frame(0, message)[-len(message) - 4 :],),
    )  # fmt: skip
    yield WireCase("empty", "5.6", "a text message without a byte", (frame(_FIN | _TEXT, b""),))
    yield WireCase("not-utf-8", "8.1", "a text message that is not UTF-8", (frame(_FIN | _TEXT, b'{"a": "\xff\xfe"}'),))
    yield WireCase(
        "not-utf-8-in-fragments", "8.1", "a character that ends in no fragment",
        (frame(_TEXT, b'"\xe2\x82'), frame(_FIN | _CONTINUATION, b'"')),
    )  # fmt: skip
    yield WireCase(
        "unmasked", "5.1", "a frame of a client's without a mask", (frame(_FIN | _TEXT, message, masked=False),)
    )
    yield WireCase(
        "reserved-bit", "5.2", "a reserved bit that nobody negotiated", (frame(_FIN | 0x20 | _TEXT, message),)
    )
    yield WireCase("unknown-opcode", "5.2", "an opcode that is not defined", (frame(_FIN | 0x3, message),))
    yield WireCase("unknown-control", "5.2", "a control opcode that is not defined", (frame(_FIN | 0xB, b""),))
    yield WireCase("long-ping", "5.5", "a control frame of 126 bytes", (frame(_FIN | _PING, b"x" * 126),))
    yield WireCase("ping-in-fragments", "5.5", "a control frame in fragments", (frame(_PING, b"a"),))
    yield WireCase("end-of-nothing", "5.4", "a continuation of no message", (frame(_FIN | _CONTINUATION, end),))
    yield WireCase(
        "begin-twice", "5.4", "a message that begins within another", (pair[0], frame(_FIN | _TEXT, message))
    )
    yield WireCase("close-of-a-byte", "5.5.1", "a close with half a code", (frame(_FIN | _CLOSE, b"\x03"),))
    yield WireCase("close-1005", "7.4.1", "a close with a code that is not sent", (frame(_FIN | _CLOSE, b"\x03\xed"),))
    yield WireCase(
        "close-not-utf-8", "5.5.1", "a close whose reason is not UTF-8", (frame(_FIN | _CLOSE, b"\x03\xe8\xff"),)
    )
    yield WireCase("binary", "5.6", "the message as a binary one", (frame(_FIN | _BINARY, message),))
    yield WireCase(
        "oversize", "10.4", "a frame that says it has 2^40 bytes", (frame(_FIN | _TEXT, b"x" * 64, length=2**40),)
    )
    yield WireCase(
        "negative-length", "5.2", "a length with the most significant bit", (frame(_FIN | _TEXT, b"x", length=2**63),)
    )
