"""The guard of a run: a process that outlives its owner by a moment, and leaves nothing of it behind.

Run as a program of its own, on the standard library alone. It reads lines from its input, and does its work when that
ends, which is when the owner has ended, however it has:

- `process PID SIGNAL`: a leader of a process group. It gets that signal first, and SIGKILL with its group soon after.
- `gone PID`: no longer
- `folder PATH`: removed at last
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

HEED_S = 2.0
GOING_S = 5.0
EVERY_S = 0.02


def main() -> None:
    """Listen until the input ends, then clean."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    processes: dict[int, int] = {}
    folders: list[str] = []
    mark = ""
    for line in sys.stdin:
        what, _, rest = line.rstrip("\n").partition(" ")
        if what == "process":
            pid, _, first = rest.partition(" ")
            processes[int(pid)] = int(first)
        elif what == "gone":
            processes.pop(int(rest), None)
        elif what == "folder":
            folders.append(rest)
        elif what == "mark":
            mark = rest
    _end(processes)
    if mark:
        _end_marked(mark)
    for folder in folders:
        _remove(folder)


def _end(processes: dict[int, int]) -> None:
    for pid, number in processes.items():
        with contextlib.suppress(OSError):
            os.kill(pid, number)
    deadline = time.monotonic() + HEED_S
    while time.monotonic() < deadline and any(_lives(pid) for pid in processes):
        time.sleep(EVERY_S)
    for pid in processes:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def _end_marked(mark: str) -> None:
    """SIGKILL to what has that in its environment: a child that the owner had no time to tell of (Linux, proc(5))."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(process.name) != os.getpid() and f"{mark}\0".encode() in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _remove(folder: str) -> None:
    """Remove it, again as long as somebody who is just going still writes there."""
    deadline = time.monotonic() + GOING_S
    while Path(folder).exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
