"""What a log takes of a disk is bounded, whoever writes it without end; what is cut out is said where it is read."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from envparity.launch.cleanup.log_bound import MOST_BYTES, LogBound
from envparity.launch.cleanup.run_folder import RunFolder
from envparity.launch.log_text import read_log_file
from envparity.launch.process.child import Child, Program
from envparity.launch.process.guarding import Guard
from tests.envparity.running import in_time_s

LINE = b"x" * 1023 + b"\n"
MUCH = 3 * MOST_BYTES
FLOOD = f"""
import os, time
os.write(1, b"first\\n")
for _ in range({MUCH} // (1 << 20)):
    os.write(1, {LINE!r} * 1024)
os.write(1, b"last\\n")
time.sleep(60)
"""


def taken(path: Path) -> int:
    """What it takes of the disk."""
    return path.stat().st_blocks * 512


def left_out(note: str) -> int:
    """How many bytes it says are gone."""
    found = re.fullmatch(r"\[envparity: (\d+) bytes of this log are left out here\]\n?", note)
    assert found, note[:100]
    return int(found[1])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One that is three times as long as it may be."""
    path = tmp_path / "log"
    with path.open("wb") as written:
        written.write(b"first\n")
        for _ in range(MUCH // len(LINE)):
            written.write(LINE)
        written.write(b"last\n")
    return path


def held(log: Path, bound: LogBound) -> None:
    found = log.stat()
    bound.hold(log, found.st_dev, found.st_ino)
    bound.look()


def test_its_middle_is_given_back_and_no_position_changes(log: Path) -> None:
    """Its beginning and its end are there, and nothing of the hole."""
    size, before = log.stat().st_size, read_log_file(log)
    held(log, LogBound())
    assert taken(log) <= MOST_BYTES
    assert log.stat().st_size == size
    assert read_log_file(log) == before
    assert read_log_file(log, size - 5) == "last\n"


def test_what_is_read_from_within_the_hole_says_what_is_gone(log: Path) -> None:
    size = log.stat().st_size
    held(log, LogBound())
    text = read_log_file(log, size // 3)
    note, _, last = text.partition("\n")
    assert "\0" not in text
    assert last.endswith("\nlast\n")
    assert left_out(note) + len(last) == size - size // 3
    assert left_out(read_log_file(log, size // 3, size // 3 + 1000)) == 1000


def test_where_no_middle_is_given_back_it_begins_anew_and_says_so(log: Path) -> None:
    size = log.stat().st_size
    with log.open("ab", buffering=0) as writer:
        held(log, LogBound(give_back=lambda *_: False))
        assert taken(log) < MOST_BYTES
        writer.write(b"later\n")
    note, _, rest = read_log_file(log, size).partition("\n")
    assert left_out(note) == size
    assert rest == "later\n"


@pytest.mark.parametrize("instead", ["another file", "a link", "a fifo", "nothing"])
def test_what_is_not_that_very_file_is_left_alone(log: Path, instead: str) -> None:
    """A backend may put something else where its log was."""
    victim = log.rename(log.with_name("victim"))
    size = taken(victim)
    found = victim.stat()
    if instead == "another file":
        victim = victim.rename(log)
        found = Path(__file__).stat()
    elif instead == "a link":
        log.symlink_to(victim)
    elif instead == "a fifo":
        os.mkfifo(log)
    bound = LogBound()
    bound.hold(log, found.st_dev, found.st_ino)
    bound.look()
    assert taken(victim) == size


async def test_a_child_that_writes_without_end_is_held_to_it_by_the_guard(tmp_path: Path) -> None:
    """While it goes on, and whatever the run itself is at."""
    folder = RunFolder.make("bounded", tmp_path)
    guard = Guard("bounded", [folder])
    log = folder.path / "log"
    child = Child(Program([sys.executable, "-I", "-S", "-c", FLOOD], {}, folder.path, log), guard)
    try:
        child.start()
        deadline = time.monotonic() + in_time_s()
        while "last" not in child.log_tail(1) or taken(log) > MOST_BYTES:
            assert child.exit_code is None
            assert time.monotonic() < deadline, taken(log)
            await asyncio.sleep(0.05)
        text = read_log_file(log)
        assert text.startswith("first\n")
        assert text.endswith("\nlast\n")
        assert "bytes of this log are left out here]" in text
    finally:
        await child.stop(signal.SIGKILL, in_time_s())
        guard.close()
        folder.close()
