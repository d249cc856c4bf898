"""A run's side of its guard (see `guard`)."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

from envparity.launch.leftovers import MARK

__all__ = ["Guard"]

_PROGRAM = Path(__file__).with_name("guard.py")
_DONE_S = 15.0


class Guard:
    """Started when it is made. It is told of what there is, and cleans that when this process ends without `close`."""

    def __init__(self, run_id: str) -> None:
        self._process = subprocess.Popen(
            # -I -S: no site, no PYTHON* variables; it starts in 10 ms and holds no file of the project open.
            [sys.executable, "-I", "-S", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        self._tell(f"mark {MARK}={run_id}")

    def process(self, pid: int, number: signal.Signals) -> None:
        """That leader of a process group is ours; `number` is what it is to hear first."""
        self._tell(f"process {pid} {int(number)}")

    def gone(self, pid: int) -> None:
        """That process has ended, and been waited for."""
        self._tell(f"gone {pid}")

    def folder(self, folder: Path) -> None:
        """That folder is ours."""
        self._tell(f"folder {folder}")

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

    def _tell(self, line: str) -> None:
        """A guard that somebody has killed hears nothing any more, and the run goes on without."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()
