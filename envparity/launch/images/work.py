"""Long work in threads that an interrupt may leave: done side by side, and called off together.

A `ThreadPoolExecutor` waits at its end for whatever its threads are doing, which for an image is minutes. These threads
do not keep the process alive, and what they have started (a program, a build) is told to end.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from typing import TypeVar

from envparity.errors import LaunchError

__all__ = ["CalledOff", "ending_when_called_off", "not_called_off", "side_by_side"]

T = TypeVar("T")
R = TypeVar("R")
_END_S = 2.0


class CalledOff(LaunchError):
    """The work that this thread was part of has been given up."""

    def __init__(self) -> None:
        super().__init__("called off")


class _Work:
    """What some threads do together, and how each thing that they have started is ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[Callable[[], None]] = []
        self._over = False

    @property
    def over(self) -> bool:
        return self._over

    def add(self, end: Callable[[], None]) -> None:
        with self._lock:
            if self._over:
                raise CalledOff
            self._ends.append(end)

    def remove(self, end: Callable[[], None]) -> None:
        with self._lock:
            self._ends.remove(end)

    def call_off(self) -> None:
        with self._lock:
            self._over = True
            for end in self._ends:
                end()


_WORK: ContextVar[_Work | None] = ContextVar("work", default=None)


def side_by_side(function: Callable[[T], R], arguments: Sequence[T]) -> list[R]:
    """`function` of each argument, as many at a time as there are processors; the results in the arguments' order.

    Raises what the first of them raised, when all have ended. An exception from outside (Ctrl-C, a signal's handler)
    calls off what is under way, waits `_END_S` seconds for it at most, and goes its way.
    """
    work = _Work()
    waiting: SimpleQueue[int] = SimpleQueue()
    ended: SimpleQueue[int] = SimpleQueue()
    results: dict[int, R] = {}
    errors: dict[int, BaseException] = {}
    for index in range(len(arguments)):
        waiting.put(index)

    def serve() -> None:
        _WORK.set(work)  # a thread begins with a context of its own
        while not work.over:
            try:
                index = waiting.get_nowait()
            except Empty:
                return
            try:
                results[index] = function(arguments[index])
            except BaseException as error:  # noqa: BLE001  handed to the caller, whatever it is
                errors[index] = error
            ended.put(index)

    count = min(os.cpu_count() or 1, len(arguments))
    threads = [threading.Thread(target=serve, name=f"envparity-image-{item}", daemon=True) for item in range(count)]
    try:
        for thread in threads:
            thread.start()
        for _ in arguments:
            ended.get()
    except BaseException:
        work.call_off()
        until = time.monotonic() + _END_S
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        raise
    for index in sorted(errors):
        raise errors[index]
    return [results[index] for index in range(len(arguments))]


def not_called_off() -> None:
    """Raise `CalledOff` where the work that this thread is part of has been given up."""
    work = _WORK.get()
    if work is not None and work.over:
        raise CalledOff


@contextmanager
def ending_when_called_off(end: Callable[[], None]) -> Iterator[None]:
    """Have `end` called, from another thread, when the work that this thread is part of is given up meanwhile.

    Raises `CalledOff` at once where that has happened already.
    """
    work = _WORK.get()
    if work is None:
        yield
        return
    work.add(end)
    try:
        yield
    finally:
        work.remove(end)
