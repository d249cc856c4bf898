"""Lets processes begin at the same moment: each is there and waits before the first of them runs its program."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from envparity.errors import DeadlineExceeded

__all__ = ["ProcessStartGate"]

_THERE_S = 30.0
_EVERY_S = 0.002


class ProcessStartGate:
    """Holds `count` processes. It opens when all have come; when its owner ends, it is open as well."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._waits, self._go = os.pipe()
        self._there, self._says = os.pipe()
        os.set_blocking(self._there, False)
        self._come = 0
        self._opened = asyncio.Event()

    @property
    def descriptors(self) -> tuple[int, int]:
        """What a held process must inherit: at whose end it goes on, and on which it says that it is there."""
        return self._waits, self._says

    async def passed(self) -> None:
        """One more process was started: wait until all are there and let go. Raises `DeadlineExceeded`."""
        self._come += 1
        if self._come < self._count:
            await self._opened.wait()  # the last one to come has the deadline, and who does not come opens it
            return
        there, deadline = 0, time.monotonic() + _THERE_S
        while there < self._count:
            if time.monotonic() > deadline:
                raise DeadlineExceeded("the replicas to begin together", _THERE_S, f"{there} of {self._count} wait")
            await asyncio.sleep(_EVERY_S)
            try:
                there += len(os.read(self._there, self._count))
            except BlockingIOError:
                continue
        self.open()

    @contextmanager
    def open_without(self) -> Iterator[None]:
        """Let all others go where one is not started: they would wait for it for ever."""
        try:
            yield
        except BaseException:
            self.open()
            raise

    def open(self) -> None:
        """Let them go, and hold nobody any more."""
        if not self._opened.is_set():
            self._opened.set()
            os.close(self._go)  # all that read from it see its end in the same moment
            for descriptor in (self._waits, self._there, self._says):
                os.close(descriptor)
