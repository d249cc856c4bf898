"""A bound for what logs take of a disk, whoever writes them without end: on the standard library, for guards.

The middle of a log is given back to the file system, so that what is written goes on where it was and no position in
the file changes. Where the file system gives no middle back, the log begins anew, and says what is gone.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["EVERY_S", "MOST_BYTES", "LogBound"]

MOST_BYTES = 64 * 1024 * 1024
"""More than that no log has on a disk for longer than `EVERY_S` seconds."""
EVERY_S = 0.1

_FIRST_BYTES = 1024 * 1024  # what of its beginning stays, and of its end
_LAST_BYTES = MOST_BYTES // 2
_BLOCK = 64 * 1024
_BYTES_OF_ST_BLOCKS = 512
_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02  # fallocate(2)


def _give_back(descriptor: int, begin: int, end: int) -> bool:
    """Give these bytes of the file back to its file system; whether it took them."""
    import ctypes  # not at the start of each guard

    allocate = getattr(ctypes.CDLL(None), "fallocate64", None)
    if allocate is None:
        return False
    asked = (ctypes.c_int(descriptor), ctypes.c_int(_KEEP_SIZE | _PUNCH_HOLE))
    return bool(allocate(*asked, ctypes.c_int64(begin), ctypes.c_int64(end - begin)) == 0)


class LogBound:
    """Holds logs to it whenever it looks at them.

    `give_back` is how the middle of a file is given back, and says whether that could be done.
    """

    def __init__(self, give_back: Callable[[int, int, int], bool] = _give_back) -> None:
        self._give_back = give_back
        self._logs: dict[Path, tuple[int, int]] = {}

    def hold(self, path: Path, device: int, inode: int) -> None:
        """That log too, as long as it is that very file."""
        self._logs[path] = (device, inode)

    def watch(self) -> None:
        """Look from now on, in a thread of its own."""
        threading.Thread(target=self._watch, daemon=True).start()

    def look(self) -> None:
        """Once at each of them."""
        for path, which in list(self._logs.items()):
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                self._logs.pop(path, None)
                continue
            try:
                self._held(descriptor, which)
            finally:
                os.close(descriptor)

    def _held(self, descriptor: int, which: tuple[int, int]) -> None:
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) != which or found.st_blocks * _BYTES_OF_ST_BLOCKS <= MOST_BYTES:
            return
        end = (found.st_size - _LAST_BYTES) // _BLOCK * _BLOCK
        if end > _FIRST_BYTES and self._give_back(descriptor, _FIRST_BYTES, end):
            return
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"[envparity: {found.st_size} bytes of this log are left out here]\n".encode())

    def _watch(self) -> None:
        waiting = threading.Event()
        while not waiting.wait(EVERY_S):
            with contextlib.suppress(OSError):  # a full disk, and what its owner removes just now
                self.look()
