"""The control packets of MQTT 3.1.1 (OASIS, 2014), read as frames and written from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from envparity.frames.hexadecimal import bytes_of, text_or_bytes

__all__ = ["NAMES", "packed", "split", "unpacked"]

NAMES: Final = (
    *("", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp"),
    *("subscribe", "suback", "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect"),
)
"""The names of the control packets, by their numbers."""

_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "connect": frozenset({"client_id", "clean_session", "keep_alive", "username", "password", "will"}),
    "connack": frozenset({"session_present", "code"}),
    "publish": frozenset({"topic", "payload", "qos", "retain", "dup", "id"}),
    "subscribe": frozenset({"id", "topics"}),
    "suback": frozenset({"id", "codes"}),
    "unsubscribe": frozenset({"id", "topics"}),
    **dict.fromkeys(("pingreq", "pingresp", "disconnect"), frozenset()),
}
_ONLY_ID: Final = frozenset({"id"})
_RESERVED: Final = {"pubrel": 2, "subscribe": 2, "unsubscribe": 2}
_LONGEST: Final = 4  # bytes that say how much remains


def split(held: bytes) -> tuple[bytes, bytes] | None:
    """The first packet, and what follows it; None where it is not whole yet."""
    length = 0
    for place, digit in enumerate(held[1 : 1 + _LONGEST]):
        length |= (digit & 127) << (7 * place)
        if digit < 128:
            end = 2 + place + length
            return (held[:end], held[end:]) if len(held) >= end else None
    return (held, b"") if len(held) > _LONGEST else None  # it says a length that there is not


def unpacked(packet: bytes) -> dict[str, Any] | None:
    """The frame of a packet; None where it is none of MQTT 3.1.1's."""
    number, flags = packet[0] >> 4, packet[0] & 15
    start = next((place + 1 for place, digit in enumerate(packet[1:], 1) if digit < 128), len(packet))
    reading = _Reading(packet[start:])
    try:
        frame = _read(NAMES[number], flags, reading)
    except (IndexError, UnicodeDecodeError):
        return None
    return frame if frame is not None and not reading.rest else None


def packed(frame: Mapping[str, object]) -> bytes:
    """The packet of a frame. Raises `ValueError` for one that cannot be written so."""
    name = frame.get("packet")
    if not isinstance(name, str) or not name or name not in NAMES:
        raise ValueError(f"packet is one of {', '.join(NAMES[1:])}, and not {name!r}")
    known = _FIELDS.get(name, _ONLY_ID)
    unknown = set(frame) - {"packet"} - known
    if unknown:
        raise ValueError(f"{name} has {', '.join(sorted(known)) or 'nothing'}, and not {', '.join(sorted(unknown))}")
    try:
        flags, body = _written(name, frame)
    except KeyError as missing:
        raise ValueError(f"{name} has a {missing.args[0]}") from None
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{name}: {error}") from None
    length, digits = len(body), bytearray()
    while length > 127:
        digits.append(length & 127 | 128)
        length >>= 7
    digits.append(length)
    if len(digits) > _LONGEST:
        raise ValueError("a packet has 256 MiB at most")
    return bytes([NAMES.index(name) << 4 | flags]) + digits + body


class _Reading:
    """The rest of a packet, from which pieces are taken; an `IndexError` where there is not so much."""

    def __init__(self, rest: bytes) -> None:
        self.rest = rest

    def take(self, length: int) -> bytes:
        if len(self.rest) < length:
            raise IndexError(length)
        taken, self.rest = self.rest[:length], self.rest[length:]
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def data(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        return self.data().decode()


def _read(name: str, flags: int, reading: _Reading) -> dict[str, object] | None:
    frame: dict[str, Any] = {"packet": name}
    match name:
        case "connect":
            return frame | _connect(reading)
        case "connack":
            present, code = reading.take(2)
            return frame | {"session_present": bool(present), "code": code}
        case "publish":
            topic, qos = reading.text(), flags >> 1 & 3
            numbered = {"id": reading.number()} if qos else {}
            payload = text_or_bytes(reading.take(len(reading.rest)))
            kept = {"qos": qos, "retain": bool(flags & 1), "dup": bool(flags & 8)}
            return None if qos == 3 else frame | {"topic": topic, "payload": payload} | kept | numbered
        case "subscribe":
            frame["id"], frame["topics"] = reading.number(), []
            while reading.rest:
                frame["topics"].append({"topic": reading.text(), "qos": reading.take(1)[0]})
        case "unsubscribe":
            frame["id"], frame["topics"] = reading.number(), []
            while reading.rest:
                frame["topics"].append(reading.text())
        case "suback":
            frame |= {"id": reading.number(), "codes": list(reading.take(len(reading.rest)))}
        case "pingreq" | "pingresp" | "disconnect":
            pass
        case "":
            return None
        case _:
            frame["id"] = reading.number()
    return frame


def _connect(reading: _Reading) -> dict[str, object]:
    if (reading.text(), reading.take(1)[0]) != ("MQTT", 4):
        raise IndexError("another version")
    flags = reading.take(1)[0]
    frame: dict[str, object] = {"clean_session": bool(flags & 2), "keep_alive": reading.number(),
                             "client_id": reading.text()}  # fmt: skip
    if flags & 4:
        will = {"topic": reading.text(), "payload": text_or_bytes(reading.data())}
        frame["will"] = will | {"qos": flags >> 3 & 3, "retain": bool(flags & 32)}
    if flags & 128:
        frame["username"] = reading.text()
    if flags & 64:
        frame["password"] = text_or_bytes(reading.data())
    return frame


def _written(name: str, frame: Mapping[str, Any]) -> tuple[int, bytes]:
    """The flags, and what follows the length."""
    flags, body = _RESERVED.get(name, 0), b""
    match name:
        case "connect":
            body = _connecting(frame)
        case "connack":
            body = bytes([bool(frame.get("session_present")), frame.get("code", 0)])
        case "publish":
            qos = _quality(frame)
            flags = bool(frame.get("dup")) << 3 | qos << 1 | bool(frame.get("retain"))
            number = _number(frame["id"]) if qos else b""
            body = _text(frame["topic"]) + number + bytes_of(frame.get("payload", ""))
        case "subscribe":
            topics = [_text(topic["topic"]) + bytes([_quality(topic)]) for topic in frame["topics"]]
            body = _number(frame["id"]) + b"".join(topics)
        case "unsubscribe":
            body = _number(frame["id"]) + b"".join(map(_text, frame["topics"]))
        case "suback":
            body = _number(frame["id"]) + bytes(frame["codes"])
        case "pingreq" | "pingresp" | "disconnect":
            pass
        case _:
            body = _number(frame["id"])
    return flags, body


def _connecting(frame: Mapping[str, Any]) -> bytes:
    will = frame.get("will")
    flags = bool(frame.get("clean_session", True)) << 1
    after = _text(frame.get("client_id", ""))
    if will is not None:
        flags |= 4 | _quality(will) << 3 | bool(will.get("retain")) << 5
        after += _text(will["topic"]) + _data(bytes_of(will.get("payload", "")))
    if "username" in frame:
        flags |= 128
        after += _text(frame["username"])
    if "password" in frame:
        flags |= 64
        after += _data(bytes_of(frame["password"]))
    return _text("MQTT") + bytes([4, flags]) + _number(frame.get("keep_alive", 60)) + after


def _quality(frame: Mapping[str, object]) -> int:
    qos = frame.get("qos", 0)
    if qos not in {0, 1, 2}:
        raise ValueError(f"qos is 0, 1 or 2, and not {qos!r}")
    return int(qos)


def _number(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _text(value: str) -> bytes:
    return _data(value.encode())


def _data(value: bytes) -> bytes:
    return _number(len(value)) + value
