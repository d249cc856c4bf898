"""How many files a process has where it keeps what it needs for a moment, asked of the kernel."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["temporary_files"]

_VARIABLE = b"TMPDIR="
_USUAL = "tmp"
_MOST = 20_000


def temporary_files(pids: Iterable[int], processes: Path) -> int | None:
    """Count those in the folders for them (TMPDIR, else /tmp) of these processes, each folder once, up to 20,000.

    None where no process has one that is not everybody's on this machine, or where it may not be looked at.
    """
    found: dict[tuple[int, int], int] = {}
    try:
        for pid in pids:
            folder = _folder_of(processes / str(pid), processes)
            if folder is not None:
                place = folder.stat()
                found.setdefault((place.st_dev, place.st_ino), _count(folder))
    except OSError:
        return None
    return sum(found.values()) if found else None


def _folder_of(process: Path, processes: Path) -> Path | None:
    """The folder, as it is seen from here; None where it is the machine's own."""
    given = next((text for text in (process / "environ").read_bytes().split(b"\0") if text.startswith(_VARIABLE)), None)
    if given is not None:
        return process / "root" / os.fsdecode(given.removeprefix(_VARIABLE)).lstrip("/")
    own = (process / "ns" / "mnt").readlink() != (processes / "self" / "ns" / "mnt").readlink()
    return process / "root" / _USUAL if own else None


def _count(folder: Path) -> int:
    count = 0
    for _, _, files in os.walk(folder):
        count += len(files)
        if count >= _MOST:
            return _MOST
    return count
