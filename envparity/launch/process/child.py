"""A process that a stack has started: its environment, its output in a file, how it ended, and how it is ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.cleanup.cleaning import limit_of, remove_clock
from envparity.launch.cleanup.leftovers import MARK
from envparity.launch.process.control_group import ControlGroup
from envparity.launch.process.guarding import Guard
from envparity.launch.process.start_gate import ProcessStartGate
from envparity.support.stalls import Deadline

__all__ = ["Child", "Program", "identity_of"]

_PRELOAD = "LD_PRELOAD"
_STARTING = Path(__file__).with_name("child_start.py")
_MARKS = sys.platform == "linux"  # elsewhere there is no such limit
_EVERY_S = 0.01
_KILLED_S = 10.0
_TAIL_BYTES = 256 * 1024


def _for_us_alone(path: str, flags: int) -> int:
    """Open a log that nobody else may read: there are secrets in it. What writes to it inherits it open."""
    return os.open(path, flags, 0o600)


class ProcessUser(TypedDict, total=False):
    """As whom `subprocess` runs a program."""

    user: int
    group: int
    extra_groups: list[int]


def identity_of(user: int | None) -> ProcessUser:
    """What `subprocess` is told to run a program as that user and its group alone; None: as we are."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


@dataclass(frozen=True)
class Program:
    """What to start: `argv`, the whole environment, a working folder, as whom (a numeric id; None: as we are).

    `log` takes both outputs; `cpus` are the processors that it may run on (None: any); `first` is the signal that makes
    it end in order when its owner is gone. `group` is the control group in which it is given one of its own.
    `confined`: it and what it starts come to no privilege that it did not have (see `child_start`).
    """

    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    log: Path
    user: int | None = None
    cpus: frozenset[int] | None = None
    first: signal.Signals = signal.SIGKILL
    group: ControlGroup | None = None
    confined: bool = False


class Child:
    """A program that runs, or has ended. `start` may be called again when it has."""

    def __init__(self, program: Program, guard: Guard | None = None) -> None:
        self.program = program
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None
        self._group: ControlGroup | None = None

    def start(self, gate: ProcessStartGate | None = None) -> None:
        """Start it, in a session and process group of its own. Raises `LaunchError` where it cannot be.

        With a `gate` it waits there before it becomes its program.
        """
        program = self.program
        self._group = None if program.group is None else program.group.child()
        argv, identity = list(program.argv), identity_of(program.user)
        environment = dict(program.environment)
        if gate is not None or self._group is not None or program.confined or _MARKS:
            if gate is None and not Path(program.folder, program.argv[0]).exists():  # else its log says so
                raise LaunchError(f"{program.argv[0]} cannot be started: there is no such file")
            argv, identity = self._begun(argv, gate), identity_of(None)
            environment.pop(_PRELOAD, None)
        try:
            with open(program.log, "ab", opener=_for_us_alone) as log:
                self._process = subprocess.Popen(
                    argv,
                    env=environment,
                    cwd=program.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=() if gate is None else gate.descriptors,
                    **identity,
                )
        except OSError as error:
            raise LaunchError(f"{program.argv[0]} cannot be started: {error}") from error
        if self._guard is not None:
            self._guard.process(self._process.pid, program.first)
            self._guard.log(program.log)
        if program.cpus is not None and hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(OSError):  # it has ended already
                os.sched_setaffinity(self._process.pid, program.cpus)

    @property
    def pid(self) -> int:
        """Its number, which is its group's and its session's too. Raises `LaunchError` where it was never started."""
        return self._started.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; else as an engine says it: its status, or 128 plus the signal that ended it."""
        process = self._started
        before = process.returncode
        code = process.poll()
        if code is None:
            return None
        if before is None:
            self._has_ended(process.pid)
        return 128 - code if code < 0 else code

    def send(self, number: signal.Signals) -> None:
        """Send it that signal, unless it has ended."""
        if self._process is not None and self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def send_group(self, number: signal.Signals) -> None:
        """The same to it and to whatever it has started in its process group."""
        if self._process is not None and self.exit_code is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, to it and to whatever it has started in its process group."""
        if self._process is not None and self.exit_code is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self, number: signal.Signals, grace_s: float) -> None:
        """Send that signal, and SIGKILL when `grace_s` seconds are over. Returns when it has ended."""
        if self._process is None:
            return
        self.send(number)
        if not await self._ended_within(grace_s):
            self.kill()
            if not await self._ended_within(_KILLED_S):
                raise DeadlineExceeded(f"{self.program.argv[0]} to end after SIGKILL", _KILLED_S)

    def stop_now(self, number: signal.Signals, grace_s: float) -> None:
        """The same as `stop`, where there is no event loop."""
        if self._process is None:
            return
        self.send(number)
        deadline = time.monotonic() + grace_s
        while self.exit_code is None:
            if time.monotonic() > deadline:
                self.kill()
            time.sleep(_EVERY_S)

    def log_tail(self, lines: int) -> str:
        """The last lines of what it has written."""
        return _tail_of(self.program.log, lines)

    def _begun(self, argv: list[str], gate: ProcessStartGate | None) -> list[str]:
        """What is started in place of `argv`, as we are: it becomes that (see `child_start`)."""
        program = self.program
        mark = program.environment.get(MARK)
        go, there = (None, None) if gate is None else gate.descriptors
        options: list[object] = [
            None if self._group is None else self._group.members,
            limit_of(f"{MARK}={mark}") if _MARKS and mark else None,
            "yes" if program.confined else None,
            program.user,
            go,
            there,
            "given" if "LC_CTYPE" in program.environment else None,
            program.environment.get(_PRELOAD),
        ]
        # -I -S: no site, no PYTHON* variables.
        start = [sys.executable, "-I", "-S", str(_STARTING)]
        return [*start, *("-" if option is None else str(option) for option in options), *argv]

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise LaunchError(f"{self.program.argv[0]} has not been started")
        return self._process

    async def _ended_within(self, timeout_s: float) -> bool:
        deadline = Deadline(timeout_s)
        while self.exit_code is None:
            if deadline.passed:
                return False
            await asyncio.sleep(_EVERY_S)
        return True

    def _has_ended(self, pid: int) -> None:
        """What it has started ends with it, as in a container."""
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        if self._group is not None:
            self._group.end()
        remove_clock(pid)
        if self._guard is not None:
            self._guard.gone(pid)


def _tail_of(file: Path, lines: int) -> str:
    """The last lines of a file, of its last `_TAIL_BYTES`: a line may be longer than memory is."""
    try:
        with file.open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
            text = log.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
