"""What processes hold open, as the kernel says it."""

from __future__ import annotations

import os
from pathlib import Path

from envparity.launch.usage import usage_of


async def test_what_a_process_opens_is_counted(tmp_path: Path) -> None:
    before = await usage_of([os.getpid()])
    files = [(tmp_path / str(number)).open("w") for number in range(5)]
    after = await usage_of([os.getpid()])
    for file in files:
        file.close()
    assert before is not None
    assert after is not None
    assert after.descriptors == before.descriptors + 5
    assert after.threads >= 1
    assert after.memory_kib > 0


async def test_several_processes_are_one_replica(tmp_path: Path) -> None:
    for pid in (7, 8):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "fd" / "0").touch()
        (tmp_path / str(pid) / "status").write_text("Name:\tpython\nThreads:\t3\nVmRSS:\t  100 kB\n")
    both = await usage_of([7, 8], tmp_path)
    assert both is not None
    assert (both.descriptors, both.threads, both.memory_kib) == (2, 6, 200)


async def test_who_is_gone_says_nothing(tmp_path: Path) -> None:
    assert await usage_of([7], tmp_path) is None
    assert await usage_of([], tmp_path) is None
