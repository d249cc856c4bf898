"""What is kept of the frames that no step reads: those of a type in `skip` or in the backend's `ignored_frames`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envparity.observe.own_values import ids_in, is_made, text_of
from envparity.observe.transcript import FrameReceived

__all__ = ["MOST_SKIPPED_BYTES", "SkippedFrames"]

MOST_SKIPPED_BYTES = 64 * 1024
"""How much is kept of the frames with values of the play itself, and as much again of those with other ids."""


class SkippedFrames:
    """Keeps a skipped frame that carries a value of its play, or an id, which is new to its connection and type.

    A heartbeat that says nothing but the time is not kept, nor is one that names the same user again. The two kinds
    have `MOST_SKIPPED_BYTES` each, where a frame counts as its message and 1 KiB: 128 KiB and 128 frames in one play
    at most. So ids that are another each time leave room for what a user of the play has said.
    """

    def __init__(self) -> None:
        self._known: set[tuple[str, str | None, str]] = set()
        self._values_left = self._ids_left = MOST_SKIPPED_BYTES

    def is_kept(self, event: FrameReceived, kind: str | None, size: int, names: Mapping[str, str]) -> bool:
        """Whether that frame of that type and size is one to keep; it counts as kept then.

        `names` are the values of the play by now, each with its placeholder.
        """
        if size > max(self._values_left, self._ids_left):
            return False
        text = text_of(event.frame)
        values = {value for value, name in names.items() if is_made(value, name) and value in text}
        if size <= self._values_left and self._are_new(event.connection, kind, values):
            self._values_left -= size
            self._are_new(event.connection, kind, ids_in(text))
            return True
        if size <= self._ids_left and self._are_new(event.connection, kind, ids_in(text) - values):
            self._ids_left -= size
            return True
        return False

    def _are_new(self, connection: str, kind: str | None, values: Iterable[str]) -> bool:
        """Whether any of these values is new to that connection and type; from now on they are known."""
        carried = {(connection, kind, value) for value in values}
        new = not carried <= self._known
        self._known |= carried
        return new
