"""What every writer of the event stream is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from envparity.engine.events import Event, RunFinished
from envparity.errors import EnvparityError, OutputFailed
from envparity.report.verdict import headline

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
    """Several writers as one: each gets every event and is closed, whatever happens to the others.

    One that fails is left alone from then on. What failed is said when all are closed.
    """

    def __init__(self, writers: Sequence[Writer]) -> None:
        self._writers = tuple(writers)
        self._failed: dict[int, str] = {}
        self._errors: list[EnvparityError] = []
        self._verdict = ""

    def handle(self, event: Event) -> None:
        for number, writer in enumerate(self._writers):
            if number not in self._failed:
                self._try(number, lambda writer=writer: writer.handle(event))  # type: ignore[misc]
        if isinstance(event, RunFinished):
            self._verdict = headline(event.verdict)

    def close(self) -> None:
        """Close all of them. Raises `OutputFailed`, or where that is all there is, what a writer raised of its own."""
        for number, writer in enumerate(self._writers):
            self._try(number, writer.close)
        failed, self._failed = [*self._failed.values()], {}
        others = [error for error in self._errors if not isinstance(error, OutputFailed)]
        self._errors.clear()
        if others and len(failed) == len(others):
            raise others[0]
        if failed:
            raise OutputFailed(failed, self._verdict)

    def _try(self, number: int, work: Callable[[], None]) -> None:
        try:
            work()
        except EnvparityError as error:
            if number not in self._failed:
                self._errors.append(error)
            self._failed.setdefault(number, str(error))
        except OSError as error:
            name = f"{error.filename}: " if error.filename else f"{type(self._writers[number]).__name__}: "
            self._failed.setdefault(number, f"{name}{error.strerror or error}")
