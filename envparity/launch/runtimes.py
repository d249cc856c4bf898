"""Which runtime a process is of, where that gives memory back when it sees fit and not when it is no longer used."""

from __future__ import annotations

import asyncio
import mmap
from pathlib import Path

__all__ = ["late_collector"]

_PROCESSES = Path("/proc")
_MAPPED = {
    "libjvm.so": "Java",
    "libcoreclr.so": ".NET",
    "beam.smp": "Erlang",
    "node": "Node.js",
    "nodejs": "Node.js",
    "bun": "Bun",
    "deno": "Deno",
}
"""By the name of a file that such a process has mapped: its program, or the library that is its runtime."""

_GO = b"\xff Go buildinf:"  # what every Go program begins its build information with (debug/buildinfo)


async def late_collector(pid: int, processes: Path = _PROCESSES) -> str | None:
    """The name of the runtime of that process, where it collects garbage late: its memory grows although nothing leaks.

    None for who frees what is no longer used at once (CPython, or what is written in C or Rust), and for who is gone or
    may not be looked at.
    """
    return await asyncio.to_thread(_late_collector, processes / str(pid))


def _late_collector(process: Path) -> str | None:
    try:
        lines = (process / "maps").read_text(encoding="utf-8", errors="replace").splitlines()
        mapped = {line.rpartition("/")[2] for line in lines if "/" in line}
        known = next((name for file, name in _MAPPED.items() if file in mapped), None)
        return known or ("Go" if _is_go(process / "exe") else None)
    except OSError:
        return None


def _is_go(program: Path) -> bool:
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(_GO) >= 0
