"""The event stream as it is: one JSON object a line, for programs and for keeping."""

from __future__ import annotations

from pathlib import Path

import msgspec

from envparity.engine.events import Event
from envparity.report.private import open_private
from envparity.report.saved_project import SavedProject

__all__ = ["NdjsonWriter", "read_events"]


class NdjsonWriter:
    """Every event as one line of JSON; `type` names it. A killed run leaves what it saw, in whole lines.

    With a `project` what the run is about comes first, as in a saved run: of shards that is what is merged.
    """

    def __init__(self, path: Path, project: SavedProject | None = None) -> None:
        """Open the file anew. Raises `OSError` where it cannot be written."""
        self._file = open_private(path)
        self._encoder = msgspec.json.Encoder()
        if project is not None:
            self._file.write(self._encoder.encode(project) + b"\n")
            self._file.flush()

    def handle(self, event: Event) -> None:
        self._file.write(self._encoder.encode(event) + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read_events(path: Path) -> tuple[Event, ...]:
    """The events of a file that `NdjsonWriter` wrote, in their order."""
    decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
    return tuple(decoder.decode(line) for line in path.read_bytes().splitlines() if line)
