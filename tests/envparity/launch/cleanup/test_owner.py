"""An owner is called dead only when that is certain."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from envparity.launch.cleanup import leftovers
from envparity.launch.cleanup.owner import OWNER_FILE, Owner, OwnerState, owner_state
from envparity.launch.cleanup.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    made = RunFolder.make("0000abcd", tmp_path)
    yield made
    made.close()


def _unlocked(folder: RunFolder) -> None:
    os.close(folder.descriptor)
    folder.descriptor = -1


def test_a_run_that_holds_its_lock_lives(folder: RunFolder) -> None:
    """A run never sweeps itself."""
    assert owner_state(str(folder.owner)) is OwnerState.LIVING


def test_what_a_label_says_is_read_as_it_was_written(folder: RunFolder) -> None:
    assert Owner.read(str(folder.owner)) == folder.owner


def test_a_run_whose_lock_nobody_holds_is_dead(folder: RunFolder) -> None:
    """Whatever process has its number now."""
    _unlocked(folder)
    assert folder.owner.state is OwnerState.DEAD


def test_a_guard_that_holds_the_lock_is_at_work(folder: RunFolder) -> None:
    """The process that has made it is gone, and nobody else may come between."""
    guard = os.dup(folder.descriptor)
    _unlocked(folder)
    assert replace(folder.owner, pid=4_000_000).state is OwnerState.LIVING
    os.close(guard)


def test_a_process_that_ended_is_dead_although_its_lock_is_out_of_sight(tmp_path: Path) -> None:
    """What it left may go at once."""
    script = "from envparity.launch.cleanup.run_folder import RunFolder; print(RunFolder.make('0000abcd').owner)"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300, env=environment
    )
    owner = Owner.read(ended.stdout.strip())
    assert owner is not None
    assert owner.state is OwnerState.DEAD
    assert replace(owner, lock=Path("/nowhere/base/run/owner")).state is OwnerState.DEAD


def test_a_later_process_with_the_same_number_is_not_the_owner(folder: RunFolder) -> None:
    """The start time tells them apart."""
    elsewhere = replace(folder.owner, lock=Path("/nowhere/base/run/owner"))
    assert elsewhere.state is OwnerState.LIVING
    assert replace(elsewhere, started="1").state is OwnerState.DEAD


def test_nothing_is_claimed_of_an_owner_that_cannot_be_asked(folder: RunFolder) -> None:
    """Another host's, or another PID namespace's with temporary files of its own."""
    _unlocked(folder)
    assert replace(folder.owner, boot="another").state is OwnerState.UNKNOWN
    assert replace(folder.owner, namespace=1, inode=1).state is OwnerState.UNKNOWN
    assert owner_state("") is owner_state("a:b:c") is owner_state("a:1:2:3:4:5:6:/\0") is OwnerState.UNKNOWN


@pytest.mark.parametrize("kind", ["link", "fifo", "long", "written by others", "folder"])
def test_a_lock_that_is_no_plain_file_of_its_owner_says_nothing(folder: RunFolder, kind: str) -> None:
    """Nor does asking for it wait, or read what it leads to."""
    lock = folder.path / OWNER_FILE
    if kind == "written by others":
        lock.chmod(0o666)
    elif kind == "long":
        lock.write_bytes(b"x" * 10_000)
    else:
        lock.unlink()
        if kind == "link":
            lock.symlink_to("/etc/passwd")
        elif kind == "fifo":
            os.mkfifo(lock)
        else:
            lock.mkdir()
    _unlocked(folder)
    assert replace(folder.owner, namespace=1).state is OwnerState.UNKNOWN


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES, errno.EIO])
def test_a_sweep_that_cannot_look_takes_nothing(
    number: int, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process without a descriptor left knows of no run that it is dead."""

    def cannot(path: Path, *_arguments: object) -> int:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(leftovers, "base_folders", lambda: [folder.path.parent])
    with monkeypatch.context() as without:
        without.setattr(leftovers, "open_note", cannot)
        assert leftovers.remove_leftover_folders() == []
    assert folder.path.is_dir()
    assert leftovers.dead_folders() == [], "it lives"
    _unlocked(folder)
    assert leftovers.dead_folders() == [folder.path]
