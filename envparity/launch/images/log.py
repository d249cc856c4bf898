"""What went wrong with an image; and running the programs that it needs, their output kept for the message."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.images.work import ending_when_called_off
from envparity.support.redaction import without_shapes

__all__ = ["BuildFailed", "ImageError", "LogTail", "run_program"]

_TAIL_LINES = 40
_LINE_CHARACTERS = 1000
_KEPT_BYTES = 256 * 1024
_CHUNK = 64 * 1024
_ENDS_S = 5.0


class ImageError(LaunchError):
    """An image could not be built or had: `image`, the `problem`, and `log_tail`, the end of what the build said.

    What is a secret by its shape is in neither: a step of a Dockerfile may print what it was given.
    """

    def __init__(self, image: str, problem: str, log_tail: str = "") -> None:
        self.image = image
        self.problem = without_shapes(problem)
        self.log_tail = without_shapes(log_tail)
        quoted = "".join(f"\n  | {line}" for line in self.log_tail.splitlines())
        super().__init__(f"image {image}: {self.problem}{quoted}")


class BuildFailed(ImageError):
    """A step of the Dockerfile failed: the matter of whoever wrote it."""


class LogTail:
    """The last lines of a stream of text that comes in arbitrary pieces; of a long line its beginning."""

    def __init__(self, lines: int = _TAIL_LINES) -> None:
        self._lines: deque[str] = deque(maxlen=lines)

    def add(self, text: str) -> None:
        """Take one more piece; blank lines are left out."""
        for line in text.splitlines():
            if line.strip():
                over = len(line) - _LINE_CHARACTERS
                said = f" [{over} characters are left out here]" if over > 0 else ""
                self._lines.append(line[:_LINE_CHARACTERS] + said)

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
    said = process.stdout or process.stderr
    if said is None:
        raise TypeError("one of its outputs is read")
    output, until = _Output(said), time.monotonic() + timeout_s
    try:
        with ending_when_called_off(lambda: _end(process)):
            output.join(timeout_s)
            if output.is_alive():
                raise DeadlineExceeded(waited_for, timeout_s)
            process.wait(max(until - time.monotonic(), 0.0))
    except subprocess.TimeoutExpired as error:
        raise DeadlineExceeded(waited_for, timeout_s) from error
    finally:
        if process.returncode is None:
            _end(process)
            process.wait()
            output.join(_ENDS_S)
    if process.returncode != 0:
        tail = LogTail()
        tail.add(output.text)
        raise ImageError(image, f"{Path(command[0]).name} ended with exit status {process.returncode}", str(tail))


class _Output(threading.Thread):
    """Reads what a program says to its end, and keeps the last of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream, self._kept = stream, bytearray()
        self.start()

    def run(self) -> None:
        """Until whoever writes has ended."""
        with self._stream as stream:
            while chunk := os.read(stream.fileno(), _CHUNK):
                self._kept = (self._kept + chunk)[-_KEPT_BYTES:]

    @property
    def text(self) -> str:
        """The end of it."""
        return self._kept.decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it has started, which is its process group; harmless where that is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
