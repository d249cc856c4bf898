"""A run that is opened by the first question, and tells how it goes on while one is under way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, TypeVar

from envparity.engine.events import Event
from envparity.errors import EnvparityError, as_ours
from envparity.report.writer import Writer

if TYPE_CHECKING:
    from envparity.engine.events import Emit
    from envparity.engine.session.engine import SynchronousRun

__all__ = ["AskedRun"]

T = TypeVar("T")


class AskedRun:
    """A run of which questions are asked.

    `open_run` is told where the events go and gives a run that was not entered yet; `announce` gives the writer that
    shows them while a question waits for boots.
    """

    def __init__(
        self, open_run: Callable[[Emit], SynchronousRun], announce: Callable[[], AbstractContextManager[Writer]]
    ) -> None:
        self._open_run, self._announce = open_run, announce
        self._writer: Writer | None = None
        self._run: SynchronousRun | None = None
        self._exits = ExitStack()

    def ask(self, question: Callable[[SynchronousRun], T]) -> T:
        """Put a question to the run, its progress shown meanwhile; whatever ends it early ends the run too.

        What was seen until then is told as the verdict of a run that was broken off.
        """
        with self._announce() as self._writer:
            try:
                if self._run is None:
                    self._run = self._exits.enter_context(self._open_run(self._tell))
                answer = question(self._run)
            except BaseException as error:
                self._break_off(error)
                raise
        self._writer = None
        return answer

    def _break_off(self, error: BaseException) -> None:
        """End the run for that. Raises what the machine refused as the error that says so."""
        run = self._run
        known = as_ours(error) or error
        try:
            self.close()
        finally:
            seen = "" if run is None else run.break_off(known)
            if isinstance(known, EnvparityError):
                known.seen = known.seen or seen
        if known is not error:
            raise known from error

    def close(self) -> None:
        """End the run and remove all that it made. May be called twice, also while a question is under way."""
        self._run = None
        self._exits.close()

    def _tell(self, event: Event) -> None:
        if self._writer is not None:
            self._writer.handle(event)
