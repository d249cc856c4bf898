"""The memory and the open files of a process that runs for long, and whether they stay as they were."""

from __future__ import annotations

import statistics
import subprocess
from pathlib import Path

import msgspec

WARM_UP_S = 60.0


def memory_and_files(pid: int) -> tuple[int, int]:
    """KiB, and how many files are open, 0 where the system does not say."""
    shown = subprocess.run(["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    files = Path(f"/proc/{pid}/fd")
    return int(shown.stdout), len(list(files.iterdir())) if files.is_dir() else 0


class Memory(msgspec.Struct, frozen=True):
    """Resident memory after the warm-up, in KiB: medians of the first and the last third, slope, and open files."""

    first: float
    last: float
    a_minute: float
    files_first: int
    files_last: int

    @classmethod
    def of(cls, samples: list[tuple[float, int, int]]) -> Memory:
        """Raises `SystemExit` where there are too few samples."""
        kept = [sample for sample in samples if sample[0] >= samples[0][0] + WARM_UP_S]
        third = len(kept) // 3
        if third < 3:
            raise SystemExit("too short: memory is judged after a minute; three at least")
        first, last = kept[:third], kept[-third:]
        slope = statistics.linear_regression([sample[0] / 60 for sample in kept], [sample[1] for sample in kept]).slope
        return cls(
            statistics.median(sample[1] for sample in first),
            statistics.median(sample[1] for sample in last),
            slope,
            max(sample[2] for sample in first),
            max(sample[2] for sample in last),
        )
