"""Whose something is that a run has made, so that another process can tell whether its owner still lives."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["OWNER_FILE", "owner_is_dead", "this_owner"]

OWNER_FILE = "owner"  # in each of a run's temporary folders: whose it is

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def this_owner() -> str:
    """This process, so that another one on the same host can tell whether it still lives: boot, pid, start time."""
    return f"{_boot_id()}:{os.getpid()}:{_start_time(os.getpid()) or '0'}"


def owner_is_dead(owner: str) -> bool:
    """True only where it is certain: the same boot of the same host, and no such process any more."""
    boot_id, _, rest = owner.partition(":")
    pid, _, started = rest.partition(":")
    if boot_id != _boot_id() or boot_id == "unknown" or not pid.isdigit():
        return False
    return _start_time(int(pid)) != started


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()[:13]
    except OSError:
        return "unknown"


def _start_time(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat (proc(5)), which tells a process from a later one with the same number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]
