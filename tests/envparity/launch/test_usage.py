"""What processes hold open, as the kernel says it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from mmap import ACCESS_READ, PAGESIZE, mmap
from pathlib import Path

from envparity.launch.temporary_files import temporary_files
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


async def test_temporary_files_are_those_of_the_process_alone(tmp_path: Path) -> None:
    """Where TMPDIR says that they are, in the process's own root; of several processes with one folder once."""
    folder = tmp_path / "own root" / "spool"
    (folder / "below").mkdir(parents=True)
    for name in ("one", "two", "below/three"):
        (folder / name).touch()
    for pid in (7, 8):
        process = tmp_path / str(pid)
        process.mkdir()
        (process / "environ").write_bytes(b"HOME=/root\0TMPDIR=/spool\0")
        (process / "root").symlink_to(tmp_path / "own root")
    assert temporary_files([7, 8], tmp_path) == 3
    assert temporary_files([9], tmp_path) is None


async def test_files_of_everybody_are_nobodys(tmp_path: Path) -> None:
    """Without TMPDIR it is /tmp, which is the process's own where its file system is."""
    for place, system in (("self", "machine"), ("7", "machine"), ("8", "container")):
        (tmp_path / place / "ns").mkdir(parents=True)
        (tmp_path / place / "ns" / "mnt").symlink_to(system)
        (tmp_path / place / "environ").write_bytes(b"HOME=/root\0")
        (tmp_path / place / "root" / "tmp").mkdir(parents=True)
        (tmp_path / place / "root" / "tmp" / "left").touch()
    assert temporary_files([7], tmp_path) is None
    assert temporary_files([8], tmp_path) == 1


async def test_who_is_gone_says_nothing(tmp_path: Path) -> None:
    assert await usage_of([7], tmp_path) is None
    assert await usage_of([], tmp_path) is None
