"""What dead runs left on this machine, outside of any engine: their folders, and processes that nobody waits for."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from envparity.errors import DeadlineExceeded
from envparity.launch.cleanup.cleaning import end_processes, remove_tree
from envparity.launch.cleanup.owner import NOTE_BYTES, OWNER_FILE, open_note
from envparity.launch.cleanup.run_folder import base_folders, locked_base, prune

__all__ = ["GROUP_FILE", "MARK", "dead_folders", "remove_leftover_folders"]

_NO_NOTE = {errno.ENOENT, errno.EPERM, errno.ELOOP, errno.EISDIR, errno.ENXIO}
"""What opening says of a note that is not there, or none that a run has made."""

MARK = "ENVPARITY_RUN"
"""The variable that every process of a run has in its environment: the run's id."""
GROUP_FILE = "group"
"""In a run's folder: where the control group of its processes is."""


def remove_leftover_folders(*, everything: bool = False) -> list[str]:
    """Remove the folders of runs that are dead, whatever their age, and end what still runs of them.

    `everything` removes a living run's too. Returns the names of what was removed.
    """
    removed = []
    for base in base_folders():
        for folder, lock in _taken(base, everything=everything):
            end_processes([], f"{MARK}={folder.name.split('-')[0]}", [folder], _group_of(folder))
            remove_tree(folder)
            if lock is not None:
                os.close(lock)
            removed.append(folder.name)
        prune(base)
    return removed


def dead_folders() -> list[Path]:
    """Every temporary folder, of disk and of memory, whose run is dead."""
    found = []
    for base in base_folders():
        for folder, lock in _taken(base):
            if lock is not None:
                os.close(lock)
            found.append(folder)
    return found


def _taken(base: Path, *, everything: bool = False) -> list[tuple[Path, int | None]]:
    """The folders there that no run and no guard holds, each with its lock, which is ours now; None where it has none.

    With `everything` those that somebody holds as well.
    """
    taken: list[tuple[Path, int | None]] = []
    with contextlib.suppress(OSError, DeadlineExceeded), locked_base(base):
        for folder in _folders_in(base):
            try:
                lock = open_note(folder / OWNER_FILE, os.geteuid(), os.O_RDWR)
            except OSError as error:
                # Whoever made it has ended in the middle: making is done under the lock of the base. Where the note is
                # there and this process could not look, for want of a descriptor for one, nothing is known.
                if error.errno in _NO_NOTE:
                    taken.append((folder, None))
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                if everything:
                    taken.append((folder, None))
            else:
                taken.append((folder, lock))
    return taken


def _folders_in(base: Path) -> Iterator[Path]:
    for entry in os.scandir(base):
        found = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            yield base / entry.name


def _group_of(folder: Path) -> Path | None:
    """The control group that the run has noted; None where it had none."""
    try:
        descriptor = open_note(folder / GROUP_FILE, os.geteuid())
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as note:
        path = Path(os.fsdecode(note.read(NOTE_BYTES)))
    return path if path.name == f"envparity-{folder.name}" and (path / "cgroup.procs").is_file() else None
