"""What dead runs left on this machine, outside of any engine: their folders, and processes that nobody waits for."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from envparity.launch.owner import OWNER_FILE, owner_is_dead

__all__ = ["MARK", "MEMORY", "folders_of_runs", "remove_leftover_folders"]

MARK = "ENVPARITY_RUN"
"""The variable that every process of a run has in its environment: the run's id."""
_HEED_S = 2.0
_EVERY_S = 0.02
MEMORY = Path("/dev/shm")  # noqa: S108  a file system in memory, where there is one


def remove_leftover_folders(*, everything: bool = False) -> list[str]:
    """Remove the folders of runs whose owner is known to be dead, and end what still runs of them.

    `everything` removes a living run's too. Returns the names of what was removed.
    """
    removed = []
    for folder in folders_of_runs():
        with contextlib.suppress(OSError):  # somebody else's, or somebody else was quicker
            if everything or owner_is_dead((folder / OWNER_FILE).read_text(encoding="utf-8")):
                _end_processes(folder.name.split("-")[1])
                shutil.rmtree(folder)
                removed.append(folder.name)
    return removed


def folders_of_runs() -> Iterator[Path]:
    """Every temporary folder that a run has made, of disk and of memory."""
    for place in {Path(tempfile.gettempdir()), Path("/tmp"), MEMORY}:  # noqa: S108  looked at, not written to
        for note in place.glob(f"envparity-*/{OWNER_FILE}"):
            yield note.parent


def _end_processes(run_id: str) -> None:
    """End whatever has that run's mark in its environment (proc(5)); nothing where there is no /proc."""
    marked = list(_marked(f"{MARK}={run_id}\0".encode()))
    for process in marked:
        with contextlib.suppress(OSError):
            # PostgreSQL takes what it has in the system's shared memory with it, if it is let.
            in_order = b"postgres" in (process / "cmdline").read_bytes().partition(b"\0")[0]
            os.kill(int(process.name), signal.SIGQUIT if in_order else signal.SIGKILL)
    deadline = time.monotonic() + _HEED_S
    while any(one.exists() for one in marked) and time.monotonic() < deadline:
        time.sleep(_EVERY_S)
    for process in _marked(f"{MARK}={run_id}\0".encode()):
        with contextlib.suppress(OSError):
            os.kill(int(process.name), signal.SIGKILL)


def _marked(mark: bytes) -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                yield process
