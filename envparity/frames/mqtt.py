"""MQTT 3.1.1: control packets in binary messages, which may hold several of them or a piece of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from envparity.frames.alone import ConversingCodec
from envparity.frames.codec import Beat, Dialogue, Received
from envparity.frames.mqtt_packets import NAMES, packed, split, unpacked

__all__ = ["Mqtt"]

_ANSWERS: Final = {"pubrec": "pubrel", "pubrel": "pubcomp"}
_ACKNOWLEDGED: Final = {1: "puback", 2: "pubrec"}


class Mqtt(ConversingCodec, frozen=True):
    """A frame is a control packet with its `packet`'s name, by which it is called, and its fields.

    What a message of quality 1 or 2 is acknowledged with is sent by itself, as are pings while a connection is kept
    alive; of the steps between (pubrec, pubrel, pingresp) no frames are made.
    """

    def dialogue(self) -> Dialogue:
        return _MqttDialogue()

    def encode(self, frame: Mapping[str, object]) -> str | bytes:
        return packed(frame)

    def type_of(self, frame: Mapping[str, object]) -> str | None:
        name = frame.get("packet")
        return name if isinstance(name, str) else None


class _MqttDialogue(Dialogue):
    def __init__(self) -> None:
        self._begun = b""
        self._beat: Beat | None = None

    def received(self, message: str | bytes) -> Received:
        if isinstance(message, str):
            return Received((message,))
        self._begun += message
        frames: list[dict[str, object] | str | bytes] = []
        answers: list[str | bytes] = []
        while (taken := split(self._begun)) is not None:
            packet, self._begun = taken
            frame = unpacked(packet)
            name = None if frame is None else frame["packet"]
            if frame is not None and name in _ANSWERS:
                answers.append(packed({"packet": _ANSWERS[str(name)], "id": frame["id"]}))
            elif name != "pingresp":
                frames.append(packet if frame is None else frame)
            if frame is not None and name == "publish" and frame["qos"]:
                answers.append(packed({"packet": _ACKNOWLEDGED[frame["qos"]], "id": frame["id"]}))
        return Received(tuple(frames), tuple(answers))

    def sent(self, frame: Mapping[str, object]) -> None:
        if frame.get("packet") == NAMES[1]:
            keep_alive = frame.get("keep_alive", 60)
            # Half of it, so that the other side is never in doubt.
            self._beat = (
                Beat(packed({"packet": "pingreq"}), keep_alive / 2)
                if isinstance(keep_alive, int) and keep_alive
                else None
            )

    @property
    def beat(self) -> Beat | None:
        return self._beat
