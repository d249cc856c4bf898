"""What the processes of a replica hold open, asked of the kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from envparity.launch.temporary_files import temporary_files
from envparity.observe.usage import ReplicaUsage

__all__ = ["usage_of"]

_PROCESSES = Path("/proc")
_OWN_MEMORY = ("RssAnon", "RssShmem", "VmSwap")
"""What a process has written itself, wherever the kernel keeps it. Pages of files (proc(5), RssFile) are of no matter:
they come and go as the kernel sees fit, and whoever reads a library again has more of them."""


async def usage_of(pids: Iterable[int], processes: Path = _PROCESSES) -> ReplicaUsage | None:
    """The sum over these processes; None where one of them is gone, or may not be looked at."""
    return await asyncio.to_thread(_usage_of, tuple(pids), processes)


def _usage_of(pids: tuple[int, ...], processes: Path) -> ReplicaUsage | None:
    descriptors = threads = memory_kib = 0
    try:
        for pid in pids:
            descriptors += sum(1 for _ in (processes / str(pid) / "fd").iterdir())
            status = (processes / str(pid) / "status").read_text(encoding="ascii", errors="replace")
            fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
            threads += int(fields["Threads"])
            memory_kib += sum(int(fields[name].split()[0]) for name in _OWN_MEMORY if name in fields)
    except (OSError, KeyError, ValueError):
        return None
    return ReplicaUsage(descriptors, threads, memory_kib, temporary_files(pids, processes)) if pids else None
