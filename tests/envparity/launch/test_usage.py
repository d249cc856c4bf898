"""What processes hold open, as the kernel says it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from mmap import ACCESS_READ, PAGESIZE, mmap
from pathlib import Path

from envparity.launch.usage import usage_of


@contextmanager
def mapped_library() -> Iterator[mmap]:
    """A file of some megabytes, as who reads it has it in memory."""
    library = find_spec("cryptography.hazmat.bindings._rust")
    assert library is not None
    with Path(str(library.origin)).open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as pages:
        yield pages


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
        (tmp_path / str(pid) / "status").write_text("Name:\tpython\nThreads:\t3\nVmSwap:\t  7 kB\n")
    both = await usage_of([7, 8], tmp_path)
    assert both is not None
    assert (both.descriptors, both.threads, both.memory_kib) == (2, 6, 14)


async def test_the_memory_of_a_process_is_what_it_has_written_itself() -> None:
    """A file that it reads, however large, is none of it; nor is it less for having been swapped out."""
    before = await usage_of([os.getpid()])
    with mapped_library() as pages:
        assert sum(pages[at] for at in range(0, len(pages), PAGESIZE)) > 0
        reading = await usage_of([os.getpid()])
        own = b"1" * len(pages)
        writing = await usage_of([os.getpid()])
    assert before is not None
    assert reading is not None
    assert writing is not None
    assert reading.memory_kib - before.memory_kib < len(own) / 1024 / 2
    assert writing.memory_kib - reading.memory_kib > len(own) / 1024 / 2


async def test_who_is_gone_says_nothing(tmp_path: Path) -> None:
    assert await usage_of([7], tmp_path) is None
    assert await usage_of([], tmp_path) is None
