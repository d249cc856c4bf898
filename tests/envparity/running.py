"""A real `envparity` in a process of its own, to be watched and interrupted."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

TREE = Path(__file__).parents[2]
GONE_WITHIN_S = 10.0
MOMENT_S = 600.0
MARK = "ENVPARITY_TEST_RUN"


def in_time_s() -> float:
    """The promise is `GONE_WITHIN_S` seconds; where others want the processors as well, as many times that."""
    return GONE_WITHIN_S * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def heed_ctrl_c() -> None:
    """In a process that is being started: let Ctrl-C end it.

    Whoever runs these tests in the background may have them ignore it, and that would be inherited.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ignore_ctrl_c() -> None:
    """In a process that is being started: have it ignore Ctrl-C, as what a shell starts in the background does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Running:
    """A real `envparity` in a process of its own, its output read line by line as it comes."""

    def __init__(
        self, folder: Path, *arguments: str, module: str = "envparity", env: Mapping[str, str] | None = None
    ) -> None:
        self.mark = uuid.uuid4().hex
        self.temporary = Path(tempfile.mkdtemp(prefix="ep-"))
        self.temporary.chmod(0o711)  # servers and replicas may be other users
        self.output: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=os.environ
            | {MARK: self.mark, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(TREE), "TMPDIR": str(self.temporary)}
            | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=heed_ctrl_c,  # noqa: PLW1509  no thread of this process holds a lock that it needs
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, pattern: str) -> None:
        """Wait until it prints that."""
        deadline = time.monotonic() + MOMENT_S
        while True:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            assert line is not None, f"it ended before it said {pattern!r}:\n{self}"
            if re.search(pattern, line):
                return

    def end(self, number: signal.Signals) -> int:
        """Send the signal, and give the exit code, which must come in time."""
        self.process.send_signal(number)
        code = self.process.wait(in_time_s())
        self._reader.join(GONE_WITHIN_S)
        return code

    @property
    def run_id(self) -> str:
        return next(iter(self.run_ids))

    @property
    def run_ids(self) -> list[str]:
        """The run that it has told of, if it has."""
        return [found[1] for line in self.output if (found := re.search(r"launcher, run (\w+)\)", line))]

    def children(self) -> list[str]:
        """What still lives and was started by it: whoever inherited its environment, or has its run's mark."""
        alive = []
        marks = [self.mark.encode(), *(f"ENVPARITY_RUN={run_id}\0".encode() for run_id in self.run_ids)]
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes()
                if any(mark in environment for mark in marks):
                    alive.append((folder / "cmdline").read_text().replace("\0", " "))
            except OSError:  # it ended just now
                continue
        return alive

    @property
    def files(self) -> list[str]:
        """What it left among the temporary files; pytest keeps its own."""
        return [path.name for path in self.temporary.iterdir() if not path.name.startswith("pytest-of-")]

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(GONE_WITHIN_S)
        self._reader.join(GONE_WITHIN_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self.temporary)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def __str__(self) -> str:
        return "".join(self.output)
