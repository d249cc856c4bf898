"""Processes of a run that have left all by which it knows its own, and lost their parent: on the standard library.

Where no control group can be made, the run has the kernel give it such orphans (prctl(2), PR_SET_CHILD_SUBREAPER). They
are its children then, in a session that is not its own. That is so only while it has the process to itself
(`owning_children`): elsewhere, as in somebody's tests, nothing would tell them from the orphans of others.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from envparity.launch.cleanup.cleaning import Process, processes, start_time

__all__ = ["Adopted", "Orphans", "adopted", "kill_with_descendants", "owning_children"]

_SET_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_GOING_S = 5.0
_EVERY_S = 0.02
_NOTED_EVERY_S = 0.1
_owned = False


@contextmanager
def owning_children() -> Iterator[None]:
    """Say that whatever becomes a child of this process meanwhile is of the run that it makes."""
    global _owned  # noqa: PLW0603  of this process, as what it adopts is
    before, _owned = _owned, True
    try:
        yield
    finally:
        _owned = before


class Orphans:
    """What this process adopts from when it is made until `end`. `begun` are the children that it had before."""

    def __init__(self) -> None:
        self.begun = frozenset(_children_of(os.getpid()))

    @classmethod
    def adopting(cls) -> Orphans | None:
        """Adopt from now on; None where this process is not the run's own, or there is no such thing."""
        orphans = cls()
        return orphans if _owned and _adopt(1) else None

    def end(self, spared: Collection[int]) -> None:
        """SIGKILL to all of them and what they have started, but for those of these numbers; adopt no longer."""
        deadline = time.monotonic() + _GOING_S
        killed: set[int] = set()
        while (found := adopted(os.getpid(), self.begun.union(spared))) and time.monotonic() < deadline:
            kill_with_descendants(found)
            killed.update(found)
            time.sleep(_EVERY_S)
            for pid in killed:
                with contextlib.suppress(OSError):
                    os.waitpid(pid, os.WNOHANG)
        _adopt(0)


class Adopted:
    """What a process that adopts the orphans of a run has adopted, noted by another one, which outlives it."""

    def __init__(self) -> None:
        self._noted: dict[int, str] = {}

    def watch(self, owner: int, spared: Collection[int]) -> None:
        """Note it from now on, in a thread of its own."""
        threading.Thread(target=self._watch, args=(owner, {*spared, os.getpid()}), daemon=True).start()

    def end(self) -> None:
        """SIGKILL to what was noted, and to what that has started."""
        deadline = time.monotonic() + _GOING_S
        while kill_with_descendants(self._noted) and time.monotonic() < deadline:
            time.sleep(_EVERY_S)

    def _watch(self, owner: int, spared: Collection[int]) -> None:
        started = start_time(owner)
        while start_time(owner) == started:
            self._noted |= adopted(owner, spared)
            time.sleep(_NOTED_EVERY_S)


def adopted(owner: int, spared: Collection[int]) -> dict[int, str]:
    """The children of that process in sessions that are not its own, by number, with their starts."""
    found: dict[int, str] = {}
    for pid in _children_of(owner):
        with contextlib.suppress(OSError):
            started = start_time(pid)
            if started is not None and pid not in spared and os.getsid(pid) != os.getsid(owner):
                found[pid] = started
    return found


def kill_with_descendants(known: Mapping[int, str]) -> bool:
    """SIGKILL to those that are still the same, and to all that descends from them; whether there was any."""
    there = {process.pid: process for process in processes()}
    chosen = {pid for pid, started in known.items() if pid in there and there[pid].started == started}
    descending = [process.pid for process in there.values() if not chosen.isdisjoint(_ancestors(process, there))]
    for pid in {*chosen, *descending} - {os.getpid()}:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return bool(chosen)


def _ancestors(process: Process, there: Mapping[int, Process]) -> set[int]:
    seen: set[int] = set()
    while process.parent in there and process.parent not in seen:
        seen.add(process.parent)
        process = there[process.parent]
    return seen


def _children_of(pid: int) -> list[int]:
    """The numbers of its children (proc(5), task/TID/children), with those that ended and that nobody waited for."""
    threads = list(Path(f"/proc/{pid}/task").glob("*/children"))
    if not threads:
        return [process.pid for process in processes() if process.parent == pid]
    found: list[int] = []
    for thread in threads:
        with contextlib.suppress(OSError):
            found += map(int, thread.read_text(encoding="ascii").split())
    return found


def _adopt(on: int) -> bool:
    import ctypes  # not at the start of each guard

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    return prctl is not None and prctl(_SET_SUBREAPER, on, 0, 0, 0) == 0
