"""What a program prints, within bounds of time and size: one that keeps neither is ended with all that it started."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

__all__ = ["Printed", "TooLong", "printed"]

_PIECE: Final = 64 * 1024
_MOST_ON_STDERR: Final = 64 * 1024


class TooLong(Exception):
    """It printed more than it might."""


@dataclass(frozen=True)
class Printed:
    """How a program ended: its exit code, what it printed, and the last of what it said on stderr."""

    code: int
    out: bytes
    err: bytes


def printed(argv: Sequence[str], within_s: float, most: int) -> Printed:
    """Run that program without input, without a shell. Raises `TimeoutError`, `TooLong`, and OSError where it cannot be
    started.
    """
    deadline = time.monotonic() + within_s
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            out, err = _read(child, deadline, most)
            return Printed(child.wait(max(0.0, deadline - time.monotonic())), out, err)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            _end(child)


def _read(child: subprocess.Popen[bytes], deadline: float, most: int) -> tuple[bytes, bytes]:
    """All that it prints until it has closed both."""
    assert child.stdout is not None and child.stderr is not None  # noqa: S101, PT018  pipes
    held: dict[IO[bytes], bytes] = {child.stdout: b"", child.stderr: b""}
    with selectors.DefaultSelector() as selector:
        for stream in held:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            for key, _ in selector.select(left_s):
                stream = child.stdout if key.fd == child.stdout.fileno() else child.stderr
                piece = os.read(key.fd, _PIECE)
                if not piece:
                    selector.unregister(stream)
                held[stream] += piece
            if len(held[child.stdout]) > most:
                raise TooLong
            held[child.stderr] = held[child.stderr][-_MOST_ON_STDERR:]
    return held[child.stdout], held[child.stderr]


def _end(child: subprocess.Popen[bytes]) -> None:
    """End what is left of it: its own group, which has its id until it has been waited for."""
    if child.returncode is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
