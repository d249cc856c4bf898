"""Clocks of replicas that differ: libfaketime, preloaded, with a file that says by how much.

It is a library of the C library's kind (Debian's package `faketime`): what asks the kernel itself, as Go programs do,
sees the machine's own clock.
"""

from __future__ import annotations

from pathlib import Path

from envparity.errors import LaunchError

__all__ = ["IN_CONTAINER", "LIBRARY_IN_CONTAINER", "clock_variables", "faketime_library", "set_clock", "shown"]

_PLACES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")
LIBRARY_IN_CONTAINER = "/run/envparity-libfaketime.so.1"
IN_CONTAINER = "/run/envparity-clock"


def faketime_library() -> Path:
    """Where the library is on this machine. Raises `LaunchError` where it is not installed."""
    found = next((path for place in _PLACES for path in sorted(Path("/").glob(place[1:]))), None)
    if found is None:
        raise LaunchError(
            "a scenario sets clocks of replicas (boot.clocks), which needs libfaketime on this machine: "
            "install Debian's package faketime"
        )
    return found


def clock_variables(library: str, file: str) -> dict[str, str]:
    """What a replica is started with, so that its clock is what the file says. Monotonic clocks stay as they are."""
    return {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": file,
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }


def set_clock(file: Path, by_s: float) -> None:
    """Have it be so many seconds ahead, or behind. The file is written in place: a container has it mounted."""
    with file.open("w", encoding="ascii") as written:
        written.write(shown(by_s) + "\n")
    file.chmod(0o644)


def shown(by_s: float) -> str:
    """As libfaketime reads it: `+30`, `-1.5`."""
    return f"{by_s:+g}" if abs(by_s) < 1e6 else f"{by_s:+.0f}"
