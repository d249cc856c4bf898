"""A run in a process of its own (see `run_program`), for tests that do something to it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.envparity.running import TREE, in_time_s

__all__ = ["SLEEP", "SmallRun", "eventually", "swept"]

SLEEP = "/bin/sleep"
NO_ENGINE = "unix:///nowhere/docker.sock"
_PROGRAM = Path(__file__).with_name("run_program.py")
_SWEEP_S = 60.0


class SmallRun:
    """Started when it is made, in `place` for temporary files; `before` is put in front of its command."""

    def __init__(self, place: Path, argv: Sequence[str] = (), before: Sequence[str] = ()) -> None:
        self.id = secrets.token_hex(4)
        self.seconds = f"{3000 + secrets.randbelow(1000)}.{secrets.randbelow(10**6):06}"
        command = [*before, sys.executable, str(_PROGRAM), self.id, *(argv or (SLEEP, self.seconds))]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(place),
            cwd=TREE,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.told: dict[str, Any] = json.loads(self.process.stdout.readline())

        if not argv:
            eventually("its child sleeps", self.sleeps)

    @property
    def folder(self) -> Path:
        return Path(self.told["folder"])

    def sleeps(self) -> bool:
        """Whether anything lives that sleeps as long as this run alone does."""
        return any(self.seconds in " ".join(words) for words in _command_lines() if words[0] == SLEEP)

    def left(self) -> list[str]:
        """What is still there of it."""
        there = [str(self.folder)] if self.folder.exists() else []
        group = self.told["group"]
        if group is not None and Path(group).exists():
            there.append(group)
        return [*there, *(["its child"] if self.sleeps() else [])]

    def kill(self, *, guard: bool) -> None:
        """SIGKILL to the run, and to its guard first."""
        if guard:
            os.kill(self.told["guard"], signal.SIGKILL)
        self.process.kill()
        self.process.wait(in_time_s())

    def close(self) -> None:
        """As a run ends that nothing was done to."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(in_time_s())
        if self.process.stdout is not None:
            self.process.stdout.close()


def swept(place: Path, before: Sequence[str] = (), engine: str = NO_ENGINE) -> str:
    """What `envparity sweep` says; `before` is put in front of its command."""
    command = [*before, sys.executable, "-m", "envparity", "sweep"]
    environment = _environment(place) | ({"DOCKER_HOST": engine} if engine else {})
    ended = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=_SWEEP_S, env=environment, cwd=TREE
    )
    return ended.stdout


def eventually(what: str, done: Callable[[], bool], timeout_s: float | None = None) -> None:
    """Wait for it, no longer than the promise allows."""
    deadline = time.monotonic() + (in_time_s() if timeout_s is None else timeout_s)
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def _environment(place: Path) -> dict[str, str]:
    return dict(os.environ) | {"TMPDIR": str(place), "PYTHONPATH": str(TREE)}


def _command_lines() -> list[list[str]]:
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_text(errors="replace").split("\0"))
        except OSError:  # it has ended just now
            continue
    return lines
