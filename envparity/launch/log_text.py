"""The log of a replica as it is kept: plain text without colours, and whole within a bound that is said."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections import deque
from pathlib import Path
from typing import BinaryIO

__all__ = ["FIRST_BYTES", "LAST_BYTES", "KeptLog", "plain_text", "read_log_file"]

FIRST_BYTES = 1024 * 1024
"""How much of the beginning of a log is kept."""
LAST_BYTES = 3 * 1024 * 1024
"""How much of its end is kept, where it is longer."""

_CONTROL_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI, with the colours (ECMA-48 §5.4)
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: a title, a link
    r"|\x1b[ -/]*[0-~]"
)


def plain_text(text: str) -> str:
    """The text without the control sequences that colour it on a terminal."""
    return _CONTROL_SEQUENCE.sub("", text) if "\x1b" in text else text


class KeptLog:
    """Takes a log in chunks and keeps its beginning and its end; what is dropped between them is counted.

    Both are cut at the end of a line, so that nothing that is looked for in whole lines stands there by half.
    """

    def __init__(self, first_bytes: int = FIRST_BYTES, last_bytes: int = LAST_BYTES) -> None:
        self._first_bytes, self._last_bytes = first_bytes, last_bytes
        self._first = bytearray()
        self._last: deque[bytes] = deque()
        self._last_size = self._dropped = 0

    def feed(self, chunk: bytes) -> None:
        """More of the log, as it goes on."""
        room = self._first_bytes - len(self._first)
        if room > 0:
            self._first += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            self._last.append(chunk)
            self._last_size += len(chunk)
        while self._last and self._last_size - len(self._last[0]) >= self._last_bytes:
            gone = len(self._last.popleft())
            self._last_size -= gone
            self._dropped += gone

    def skip(self, size: int) -> None:
        """That many bytes of its middle were not even read: what comes now is of its end."""
        if size:
            self._first_bytes = len(self._first)
            self._dropped += size

    @property
    def text(self) -> str:
        """What is kept. Where something was dropped, a line of its own says how much."""
        first, last = bytes(self._first), b"".join(self._last)
        over = max(len(last) - self._last_bytes, 0)
        if not self._dropped and not over:
            return plain_text((first + last).decode(errors="replace"))
        kept_first = first[: first.rfind(b"\n") + 1]
        kept_last = last[over:]
        kept_last = kept_last[kept_last.find(b"\n") + 1 :] if b"\n" in kept_last else b""
        dropped = self._dropped + len(first) - len(kept_first) + len(last) - len(kept_last)
        note = f"[envparity: {dropped} bytes of this log are left out here]\n"
        return plain_text(kept_first.decode(errors="replace") + note + kept_last.decode(errors="replace"))


def read_log_file(path: Path, begin: int = 0, end: int | None = None) -> str:
    """What is kept of the file's bytes from `begin` to `end` (None: all); "" where there is no such file.

    Bytes that were given back to the disk meanwhile are left out, and a file that began anew is read from there.
    """
    kept = KeptLog()
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            begin = begin if begin <= size else 0
            stop = size if end is None or end < begin else min(end, size)
            middle = (min(begin + FIRST_BYTES, stop), max(begin + FIRST_BYTES, stop - LAST_BYTES))
            _feed(kept, log, begin, middle[0])
            kept.skip(max(min(middle[1], stop) - middle[0], 0))
            _feed(kept, log, middle[1], stop)
    except OSError:
        return ""
    return kept.text


def _feed(kept: KeptLog, log: BinaryIO, begin: int, stop: int) -> None:
    """Give it these bytes of the file, but for the holes in it."""
    while begin < stop:
        data = min(_next(log, begin, os.SEEK_DATA), stop)
        kept.skip(data - begin)
        begin = min(_next(log, data, os.SEEK_HOLE), stop) if data < stop else stop
        log.seek(data)
        kept.feed(log.read(begin - data))


def _next(log: BinaryIO, begin: int, what: int) -> int:
    """Where data or a hole is from that byte on; behind everything, where there is none."""
    try:
        return os.lseek(log.fileno(), begin, what)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return sys.maxsize
