"""What every writer of the event stream is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from envparity.events import Event

__all__ = ["Tee", "Writer"]


class Writer(Protocol):
    """Reads the events of a run, one at a time and in their order, and tells somebody."""

    def handle(self, event: Event) -> None:
        """Take the next event. Called from one thread at a time."""
        ...

    def close(self) -> None:
        """The run is over, or was interrupted: leave the terminal or the file whole. May be called twice."""
        ...


class Tee:
    """Several writers as one: each gets every event, and each is closed whatever happens to the others."""

    def __init__(self, writers: Sequence[Writer]) -> None:
        self._writers = tuple(writers)

    def handle(self, event: Event) -> None:
        for writer in self._writers:
            writer.handle(event)

    def close(self) -> None:
        failures: list[OSError] = []
        for writer in self._writers:
            try:
                writer.close()
            except OSError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
