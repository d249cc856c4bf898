"""Whose something is that a run has made, so that another process can tell whether its owner still lives.

A run holds a lock (flock(2)) on a file of its own, and so does its guard until it has cleaned. Whoever sees that file
knows from the lock whether the run lives, in whatever PID namespace that may be; who cannot see it asks for the
process, and where that cannot be seen either, nothing is claimed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Self

from envparity.launch.cleanup.cleaning import start_time

__all__ = ["NOTE_BYTES", "OWNER_FILE", "Owner", "OwnerState", "open_note", "owner_state"]

OWNER_FILE = "owner"  # in each of a run's temporary folders: whose it is, and the lock

NOTE_BYTES = 4096  # an owner's note is shorter
_PROCESSES = Path("/proc")
_BOOT_ID = _PROCESSES / "sys/kernel/random/boot_id"
_UNKNOWN = "unknown"


class OwnerState(Enum):
    """Whether an owner lives; UNKNOWN where it cannot be asked from here."""

    LIVING = "living"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Owner:
    """A run's process, by the boot of its machine, and the file that it holds locked.

    `device` and `inode` are those of the folder in which the runs' folders lie: two who see the same see the same file.
    """

    boot: str
    namespace: int  # of process ids
    user: int
    pid: int
    started: str
    device: int
    inode: int
    lock: Path

    @classmethod
    def of_this_process(cls, lock: Path) -> Self:
        """This process, which holds that file locked, as the owner of what it makes."""
        place, pid = _place_of(lock).stat(), os.getpid()
        started = start_time(pid) or "0"
        return cls(_boot_id(), _namespace(), os.geteuid(), pid, started, place.st_dev, place.st_ino, lock)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The owner of whom `str` has made that text; None where it is none."""
        parts = text.split(":", len(fields(cls)) - 1)
        try:
            boot, namespace, user, pid, started, device, inode, lock = parts
            numbers = [int(part) for part in (namespace, user, pid, device, inode)]
        except ValueError:
            return None
        return cls(boot, numbers[0], numbers[1], numbers[2], started, numbers[3], numbers[4], Path(lock))

    def __str__(self) -> str:
        return ":".join(str(getattr(self, field.name)) for field in fields(self))

    @property
    def state(self) -> OwnerState:
        """Certain, or UNKNOWN."""
        if self.boot != _boot_id() or self.boot == _UNKNOWN:
            return OwnerState.UNKNOWN
        there, lives = self._lock_is_there(), self._process_lives()
        if there:
            held = _is_held(self.lock, self.user)
            if held is not None:
                return OwnerState.LIVING if held else OwnerState.DEAD
        if lives is None:
            return OwnerState.UNKNOWN
        return OwnerState.LIVING if lives else OwnerState.DEAD

    def _lock_is_there(self) -> bool:
        """Whether the file's path leads to the same file here as it does for the owner, and the file is there."""
        try:
            place = _place_of(self.lock).stat()
            self.lock.lstat()
        except (OSError, ValueError):
            return False
        return (place.st_dev, place.st_ino) == (self.device, self.inode)

    def _process_lives(self) -> bool | None:
        """None where that process could live without being seen: of another namespace, or hidden as another user's."""
        if self.namespace != _namespace() or not self.namespace or os.geteuid() not in {0, self.user}:
            return None
        return start_time(self.pid) == self.started


def owner_state(text: str) -> OwnerState:
    """The state of the owner of whom a label tells; UNKNOWN where it tells of none."""
    owner = Owner.read(text)
    return OwnerState.UNKNOWN if owner is None else owner.state


def open_note(path: Path, user: int, flags: int = os.O_RDONLY) -> int:
    """Open a file of which only that user can have made what it says: no link, fifo or device, and short.

    Raises `OSError` where it is anything else.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(descriptor)
    own = stat.S_ISREG(found.st_mode) and found.st_uid == user and not found.st_mode & 0o022
    if own and found.st_size <= NOTE_BYTES:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EPERM, "not a short file that its owner alone can write", str(path))


def _is_held(path: Path, user: int) -> bool | None:
    """Whether somebody holds that file's lock; None where it is not that user's own plain file, or not to be read."""
    try:
        descriptor = open_note(path, user)
    except OSError:
        return None
    try:
        # Shared: two who ask at the same moment do not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _place_of(lock: Path) -> Path:
    """What the base folder lies in, for PLACE/BASE/RUN/owner."""
    return lock.parents[2]


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return _UNKNOWN


def _namespace() -> int:
    """The number of this process's namespace of process ids; 0 where there is no such thing."""
    try:
        return (_PROCESSES / "self/ns/pid").stat().st_ino
    except OSError:
        return 0
