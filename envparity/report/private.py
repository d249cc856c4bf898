"""Files and folders for their owner alone, whatever the umask: what a run has seen is nobody else's matter."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

__all__ = ["make_private_folder", "open_private", "write_private"]

_FILE, _FOLDER = 0o600, 0o700


def open_private(path: Path, *, append: bool = False, follow: bool = True) -> BinaryIO:
    """Open it to write, anew unless `append`, for its owner alone. Not to `follow` refuses a symbolic link.

    What is ours and was there before is made so as well; what is no file (a terminal, a pipe) is left as it is.
    Raises `OSError`.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_APPEND if append else os.O_TRUNC)
    descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW, _FILE)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != _FILE:
            os.fchmod(descriptor, _FILE)
        return os.fdopen(descriptor, "ab" if append else "wb")
    except BaseException:
        os.close(descriptor)
        raise


def write_private(path: Path, content: bytes) -> None:
    """Write it anew, for its owner alone. Raises `OSError`."""
    with open_private(path) as file:
        file.write(content)


def make_private_folder(folder: Path) -> None:
    """Make it and what is missing above it, for their owner alone; what is there stays as it is. Raises `OSError`."""
    for parent in (*reversed(folder.parents), folder):
        if not parent.exists():
            parent.mkdir(mode=_FOLDER, exist_ok=True)
    folder.mkdir(exist_ok=True)  # says what is wrong where it is no folder
