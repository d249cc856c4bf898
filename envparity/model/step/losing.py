"""Steps of a client that is no good peer: it does not read for a while, or is gone without a close."""

from __future__ import annotations

import msgspec

__all__ = ["Drop", "ReadOn", "StopReading"]


class Drop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="drop"):
    """Lose the connection: its TCP is reset, without a close frame (RFC 6455 §7.1.7)."""

    on: str


class StopReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="stop_reading"):
    """Read nothing more from the socket of that connection, whose window is small from the first.

    It lasts until `read_on`, or the end of the scenario.
    """

    on: str


class ReadOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="read_on"):
    """Read again what has been sent to that connection meanwhile, and what is sent from now on."""

    on: str
