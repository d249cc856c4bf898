"""A run's side of its guard (see `guard`)."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from envparity.launch.cleanup.cleaning import start_time
from envparity.launch.cleanup.leftovers import MARK
from envparity.launch.cleanup.run_folder import RunFolder
from envparity.launch.process.guard import LENGTH_BYTES

__all__ = ["Guard"]

_PROGRAM = Path(__file__).with_name("guard.py")
_PACKAGE = Path(__file__).parents[3]
_DONE_S = 15.0


class Guard:
    """Started when it is made. It is told of what there is, and cleans that when this process ends without `close`.

    `folders` are the run's: removed at last. `group` is the control group of its processes, where there is one.
    """

    def __init__(self, run_id: str, folders: Sequence[RunFolder], group: Path | None = None) -> None:
        self._process = subprocess.Popen(
            # -I -S: no site, no PYTHON* variables; it starts in 10 ms and holds no file of the project open.
            [sys.executable, "-I", "-S", str(_PROGRAM), str(_PACKAGE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            pass_fds=[folder.descriptor for folder in folders],
        )
        self._tell("mark", f"{MARK}={run_id}")
        if group is not None:
            self._tell("group", str(group))
        for folder in folders:
            found = folder.path.lstat()
            self._tell("folder", str(folder.path), found.st_dev, found.st_ino)

    @property
    def pid(self) -> int:
        """Its own number."""
        return self._process.pid

    def process(self, pid: int, number: signal.Signals) -> None:
        """That leader of a process group is ours; `number` is what it is to hear first."""
        started = start_time(pid)
        if started is not None:
            self._tell("process", pid, started, int(number))

    def log(self, path: Path) -> None:
        """Output is written to that file, which is there: it is held to a bound."""
        with contextlib.suppress(OSError):
            found = path.lstat()
            self._tell("log", str(path), found.st_dev, found.st_ino)

    def adopts(self, pid: int, spared: Iterable[int]) -> None:
        """Orphans of the run become children of that process, but for those of these numbers."""
        self._tell("adopts", pid, *spared)

    def gone(self, pid: int) -> None:
        """That process has ended, and been waited for."""
        self._tell("gone", pid)

    def close(self) -> None:
        """Have it clean what is left, and wait until it has."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_DONE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, *message: str | int) -> None:
        """A guard that somebody has killed hears nothing any more, and the run goes on without."""
        if self._process.stdin is not None:
            body = json.dumps(message).encode()
            with contextlib.suppress(OSError):
                self._process.stdin.write(len(body).to_bytes(LENGTH_BYTES, "big") + body)
                self._process.stdin.flush()
