"""Ending the processes of a run whose owner is gone, and removing its folders: on the standard library, for guards.

A process is a run's own if the run has told of it, if it is in the run's control group, if it has the run's mark in
its environment or as its limit of file locks (`limit_of`), or if it works in a folder of the run, into which nobody
else can come.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Leader",
    "Process",
    "end_group",
    "end_processes",
    "limit_of",
    "note_signal",
    "processes",
    "remove_clock",
    "remove_run_folder",
    "remove_tree",
    "start_time",
]

_PROCESSES = Path("/proc")
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where shm_open(3) and sem_open(3) keep what they make
_HEED_S = 2.0
_GOING_S = 5.0
_EVERY_S = 0.02
_RM_S = 60.0
_LOCKS = b"Max file locks"
_LIMIT_BYTES = 8  # the last ones, which are the run's id
_NOTED = ".signal"
_DIGITS = 3
_ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


@dataclass(frozen=True)
class Leader:
    """The leader of a process group and session, by number and start; `first` is the signal that it is to heed."""

    pid: int
    started: str
    first: int


@dataclass(frozen=True)
class Process:
    """A process that runs: its numbers, and what tells it from a later one with the same number."""

    pid: int
    parent: int
    group: int
    session: int
    started: str


def end_processes(leaders: Iterable[Leader], mark: str, folders: Sequence[Path], group: Path | None = None) -> None:
    """End them, with all that they have started: in order first, by SIGKILL then.

    `mark` is `NAME=VALUE` of the run's own variable, `folders` are the run's, `group` is its control group.
    """
    known = list(leaders)
    told = {leader.pid: leader for leader in known}
    first = {leader.pid: leader.first for leader in known if start_time(leader.pid) == leader.started}
    for process in processes():
        if process.pid not in told and _is_a_runs(process, mark, folders):
            asked = _asked_signal(process.pid, folders)
            first |= {process.pid: asked} if asked is not None else {}
    for pid, number in first.items():
        _kill(pid, number)
    _until(lambda: not any(_lives(pid) for pid in first), _HEED_S)
    if group is not None:
        end_group(group)

    def none_left() -> bool:
        left = [
            each_process
            for each_process in processes()
            if _is_led(each_process, told) or _is_a_runs(each_process, mark, folders)
        ]
        for process in left:
            if start_time(process.pid) == process.started:
                _kill(process.pid, signal.SIGKILL)
        return not left

    _until(none_left, _GOING_S)
    for leader in known:
        remove_clock(leader.pid)


def remove_clock(pid: int) -> None:
    """Remove what libfaketime has made in shared memory for a process that had it preloaded and has ended.

    The library does so itself at an orderly exit only, and never where another user's process began it.
    """
    for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
        with contextlib.suppress(OSError):
            (_SHARED_MEMORY / name).unlink()


def end_group(group: Path) -> None:
    """SIGKILL to all in that control group and those below it, and remove them (cgroups(7), version 2)."""
    with contextlib.suppress(OSError):
        (group / "cgroup.kill").write_text("1", encoding="ascii")

    def removed() -> bool:
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):  # somebody is still on the way out
                Path(folder).rmdir()
        return not group.exists()

    _until(removed, _GOING_S)


def remove_tree(folder: Path) -> None:
    """Remove it with all that is in it; no link is followed. Again as long as somebody who is just going writes there.

    A folder that keeps its owner out, and one that is deeper than Python goes, is for chmod(1) and rm(1).
    """

    def removed() -> bool:
        with contextlib.suppress(RecursionError):
            shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return True
        # Root is kept out of nothing, and shall not be shown a link in place of a folder.
        commands = [["rm", "-rf", "--", str(folder)]]
        if os.geteuid() != 0:
            commands.insert(0, ["chmod", "-R", "u+rwX", "--", str(folder)])
        for command in commands:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=_RM_S)
        return not os.path.lexists(folder)

    _until(removed, _GOING_S)


def remove_run_folder(folder: Path, device: int, inode: int) -> None:
    """Remove a run's folder, if that path still is the folder of that device and number and no link.

    And the base folder that it was in, where no other run is in that any more; whoever makes a folder there makes it
    again.
    """
    with contextlib.suppress(OSError):
        found = folder.lstat()
        if (found.st_dev, found.st_ino) == (device, inode):
            remove_tree(folder)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()


def start_time(pid: int) -> str | None:
    """What tells a process from a later one with the same number (proc(5), stat); None where there is none."""
    found = _process(pid)
    return None if found is None else found.started


def _is_a_runs(process: Process, mark: str, folders: Sequence[Path]) -> bool:
    if process.pid == os.getpid():
        return False
    folder = _PROCESSES / str(process.pid)
    with contextlib.suppress(OSError):
        if mark and limit_of(mark) in _limits(folder):
            return True
    with contextlib.suppress(OSError):
        if mark and f"\0{mark}\0".encode() in b"\0" + (folder / "environ").read_bytes():
            return True
    with contextlib.suppress(OSError):
        working = str((folder / "cwd").readlink())
        return any(working.startswith(f"{path}{os.sep}") for path in folders)
    return False


def limit_of(mark: str) -> int:
    """The mark as a number, for the limit of file locks: the one of setrlimit(2) that Linux has heeded since 2.4 never.

    Unlike an environment, a session and a working folder it is what a process has no reason to change.
    """
    return int.from_bytes(mark.encode()[-_LIMIT_BYTES:], "big")


def _limits(folder: Path) -> list[int]:
    """The limit of file locks of that process, where it has one."""
    for line in (folder / "limits").read_bytes().splitlines():
        if line.startswith(_LOCKS):
            return [int(word) for word in line.removeprefix(_LOCKS).split() if word.isdigit()]
    return []


def _is_led(process: Process, leaders: Mapping[int, Leader]) -> bool:
    """Whether it is in a group or session of a leader; a later process with the leader's number is not."""
    leader = leaders.get(process.group) or leaders.get(process.session)
    return leader is not None and start_time(leader.pid) in {None, leader.started}


def note_signal(folder: Path, number: signal.Signals) -> None:
    """Note, beside the folder that a program works in, the signal at which it takes with it what it has made.

    Such as what it has in the system's shared memory; whoever ends what a killed run left reads it.
    """
    note = folder.with_name(folder.name + _NOTED)
    note.touch(mode=0o600)
    note.write_text(str(int(number)), encoding="ascii")


def _asked_signal(pid: int, folders: Sequence[Path]) -> int | None:
    """The signal that was noted for what works there, of those that end a program; None where none was."""
    with contextlib.suppress(OSError, ValueError):
        working = (_PROCESSES / str(pid) / "cwd").readlink()
        for folder in (working, *working.parents):
            if folder in folders:
                return None
            note = folder.with_name(folder.name + _NOTED)
            if note.is_file():
                asked = int(note.read_bytes()[:_DIGITS])
                return asked if asked in _ENDING else None
    return None


def processes() -> Iterator[Process]:
    """Every process that can be seen and has not ended; none where there is no /proc."""
    with contextlib.suppress(OSError):
        for entry in _PROCESSES.iterdir():
            if entry.name.isdecimal() and (found := _process(int(entry.name))) is not None:
                yield found


def _process(pid: int) -> Process | None:
    try:
        told = (_PROCESSES / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, parent, group, session, *rest = told.rpartition(")")[2].split()
    return None if state in "ZX" else Process(pid, int(parent), int(group), int(session), rest[15])


def _lives(pid: int) -> bool:
    return _process(pid) is not None


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def _until(done: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not done() and time.monotonic() < deadline:
        time.sleep(_EVERY_S)
