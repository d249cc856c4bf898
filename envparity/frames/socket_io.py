"""Packets of Socket.IO's protocol 5: kind, attachments, namespace, number of the acknowledgement, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from envparity.frames.decoding import decoded_json
from envparity.frames.hexadecimal import bytes_in, hexadecimal

__all__ = ["Packet", "packet_of", "written"]

_KINDS: Final = ("connect", "disconnect", "event", "ack", "connect_error", "event", "ack")
_WITH_BYTES: Final = 3  # how much further the kinds of packets with bytes in them stand
_FIELDS: Final = {
    "connect": {"data"},
    "disconnect": set[str](),
    "event": {"event", "args", "id"},
    "ack": {"args", "id"},
    "connect_error": {"data"},
}
_FORM: Final = re.compile(r"([0-6])(?:(\d{1,4})-)?(?:(/[^,]*),)?(\d{1,15})?(.*)", re.DOTALL)


@dataclass
class Packet:
    """A packet that was read, and the bytes that belong to it, as they arrive."""

    kind: str
    namespace: str
    number: int | None
    held: object
    count: int
    attachments: list[bytes] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """How many attachments are still to come."""
        return self.count - len(self.attachments)

    def frame(self) -> dict[str, object]:
        """The packet as a frame, with its bytes where they stand."""
        frame: dict[str, object] = {"type": self.kind}
        if self.namespace != "/":
            frame["namespace"] = self.namespace
        if self.number is not None:
            frame["id"] = self.number
        held = self._filled(self.held)
        if self.kind == "event" and isinstance(held, list):
            return frame | {"event": held[0], "args": held[1:]}
        if self.kind == "ack":
            return frame | {"args": held}
        return frame if held is None else frame | {"data": held}

    def _filled(self, value: object) -> object:
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, dict):
            return value
        place = value.get("num") if value.get("_placeholder") is True else None
        if isinstance(place, int) and 0 <= place < len(self.attachments):
            return hexadecimal(self.attachments[place])
        return {name: self._filled(item) for name, item in value.items()}


def packet_of(text: str) -> Packet | None:
    """The packet that a message of Engine.IO holds; None where it holds none."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    number, count, namespace, ack, rest = found.groups()
    kind = _KINDS[int(number)]
    try:
        held = decoded_json(rest) if rest else None
    except ValueError:
        return None
    if kind in {"event", "ack"} and not (isinstance(held, list) and (held or kind == "ack")):
        return None
    bytes_come = int(number) - _WITH_BYTES in {_KINDS.index("event"), _KINDS.index("ack")}
    if (count is not None) != bytes_come:
        return None
    return Packet(kind, namespace or "/", None if ack is None else int(ack), held, int(count or 0))


def written(frame: Mapping[str, object]) -> tuple[str, tuple[bytes, ...]]:
    """The text of a packet, and its attachments. Raises `ValueError` for a frame that is none."""
    kind = frame.get("type", "event" if "event" in frame else None)
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise ValueError(f"a packet of Engine.IO or Socket.IO, and not {kind!r}")
    unknown = set(frame) - {"type", "namespace"} - _FIELDS[kind]
    if unknown:
        raise ValueError(f"{kind} has {', '.join(sorted(_FIELDS[kind])) or 'nothing'}, and not {', '.join(unknown)}")
    namespace, number, arguments = frame.get("namespace", "/"), frame.get("id"), frame.get("args", [])
    if not isinstance(namespace, str) or not namespace.startswith("/") or "," in namespace:
        raise ValueError(f"a namespace begins with / and has no comma, unlike {namespace!r}")
    if not isinstance(arguments, list) or (kind == "event" and not isinstance(frame.get("event"), str)):
        raise ValueError("event is a text and args a list")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
        raise ValueError(f"id is a number, and not {number!r}")
    attachments: list[bytes] = []
    data = {"event": [frame.get("event"), *arguments], "ack": arguments}.get(kind, frame.get("data"))
    held = _with_placeholders(data, attachments) if kind in {"event", "ack"} else data
    code = _KINDS.index(kind) + (_WITH_BYTES if attachments else 0)
    text = str(code) + (f"{len(attachments)}-" if attachments else "")
    text += (f"{namespace}," if namespace != "/" else "") + ("" if number is None else str(number))
    return text + ("" if held is None else json.dumps(held, ensure_ascii=False)), tuple(attachments)


def _with_placeholders(value: object, attachments: list[bytes]) -> object:
    held = bytes_in(value)
    if held is not None:
        attachments.append(held)
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, Mapping):
        return {name: _with_placeholders(item, attachments) for name, item in value.items()}
    return [_with_placeholders(item, attachments) for item in value] if isinstance(value, list) else value
