"""Reads what somebody has named, whatever it is: a pipe too, that falls silent, drips, or never ends.

A signal ends a read(2) that waits only where it comes while that waits: one between two reads of the same long line is
heard with the next, if there is one. So nothing here reads before there is something to be read, and what waits for
that looks up again and again.
"""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["LONGEST_S", "Reading", "opened"]

LONGEST_S: Final = 600.0
"""Seconds in which all of it has to come: what is piped may be rendered or downloaded first."""

_HEEDED_S: Final = 0.1
_PIECE: Final = 1 << 20


class Reading:
    """What comes from one descriptor, once; `name` is what it is called, `within_s` how long all of it may take.

    Raises `TimeoutError` where it takes longer, and another `OSError` where it has more bytes than are read
    at `most`, or cannot be read.
    """

    def __init__(self, descriptor: int, name: str, within_s: float = LONGEST_S) -> None:
        self._descriptor, self._name, self._within_s = descriptor, name, within_s

    def whole(self, most: int) -> bytes:
        """All of it."""
        return b"".join(self._pieces(most))

    def lines(self, most: int) -> Iterator[bytes]:
        """One line after the other, without its end."""
        held: list[bytes] = []
        for piece in self._pieces(most):
            *ended, rest = piece.split(b"\n")
            for line in ended:
                yield b"".join((*held, line)).removesuffix(b"\r")
                held.clear()
            held.append(rest)
        if any(held):
            yield b"".join(held).removesuffix(b"\r")

    def _pieces(self, most: int) -> Iterator[bytes]:
        left = most
        until = time.monotonic() + self._within_s
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLIN)
        while True:
            comes = waiting.poll(_HEEDED_S * 1000)
            if time.monotonic() > until:
                raise TimeoutError(errno.ETIMEDOUT, f"not all of it came within {self._within_s:g} s", self._name)
            if not comes:
                continue
            try:
                piece = os.read(self._descriptor, _PIECE)
            except BlockingIOError:  # somebody else reads it too
                continue
            if not piece:
                return
            left -= len(piece)
            if left < 0:
                raise OSError(errno.EFBIG, f"more than {_size(most)}", self._name)
            yield piece


@contextmanager
def opened(file: Path, within_s: float = LONGEST_S) -> Iterator[Reading]:
    """That file, to be read. Raises `OSError` where it cannot be opened; a pipe need not have been by its writer."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield Reading(descriptor, str(file), within_s)
    finally:
        os.close(descriptor)


def _size(most: int) -> str:
    return f"{most >> 20} MiB" if most >= 1 << 20 else f"{most >> 10} KiB"
