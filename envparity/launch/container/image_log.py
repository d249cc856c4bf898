"""What went wrong with an image; and running the programs that it needs, their output kept for the message."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.container.image_work import ending_when_called_off

__all__ = ["BuildFailed", "ImageError", "LogTail", "run_program"]

_TAIL_LINES = 40


class ImageError(LaunchError):
    """An image could not be built or had: `image`, the `problem`, and `log_tail`, the end of what the build said."""

    def __init__(self, image: str, problem: str, log_tail: str = "") -> None:
        self.image = image
        self.problem = problem
        self.log_tail = log_tail
        quoted = "".join(f"\n  | {line}" for line in log_tail.splitlines())
        super().__init__(f"image {image}: {problem}{quoted}")


class BuildFailed(ImageError):
    """A step of the Dockerfile failed: the matter of whoever wrote it."""


class LogTail:
    """The last lines of a stream of text that comes in arbitrary pieces."""

    def __init__(self, lines: int = _TAIL_LINES) -> None:
        self._lines: deque[str] = deque(maxlen=lines)

    def add(self, text: str) -> None:
        """Take one more piece; blank lines are left out."""
        self._lines.extend(line for line in text.splitlines() if line.strip())

    def __str__(self) -> str:
        return "\n".join(self._lines)


def run_program(
    image: str, waited_for: str, command: Sequence[str | Path], timeout_s: float, stdout: IO[bytes] | None = None
) -> None:
    """Run a program to its end for an image; its standard output goes to `stdout`, else into the message on failure.

    Raises `ImageError` with the tail of its output where it fails, `DeadlineExceeded` after `timeout_s` seconds. In
    either case, and on an interrupt of this thread or of those that it works with, nothing of it keeps running: the
    whole process group is ended.
    """
    process = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=stdout if stdout is not None else subprocess.PIPE,
        stderr=subprocess.PIPE if stdout is not None else subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        with ending_when_called_off(lambda: _end(process)):
            output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise DeadlineExceeded(waited_for, timeout_s) from error
    finally:
        if process.poll() is None:
            _end(process)
            process.communicate()
    if process.returncode != 0:
        tail = LogTail()
        tail.add((errors if stdout is not None else output).decode(errors="replace"))
        raise ImageError(image, f"{Path(command[0]).name} ended with exit status {process.returncode}", str(tail))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it has started, which is its process group; harmless where that is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
