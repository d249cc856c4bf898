"""The temporary folders of runs: each in a base folder that is its user's alone, and locked as long as it is in use."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.cleanup.cleaning import remove_tree
from envparity.launch.cleanup.owner import OWNER_FILE, Owner

__all__ = ["MEMORY", "RunFolder", "base_folders", "locked_base", "prune"]

MEMORY = Path("/dev/shm")  # noqa: S108  a file system in memory, where there is one
_LOCK_S = 15.0
_EVERY_S = 0.02
_ATTEMPTS = 100


class RunFolder:
    """A folder of a run that others find, and leave alone as long as its lock is held.

    The lock is held by whoever has `descriptor` open: this process, and the guard that inherits it.
    """

    def __init__(self, path: Path, descriptor: int, owner: Owner) -> None:
        self.path, self.descriptor, self.owner = path, descriptor, owner

    @classmethod
    def make(cls, run_id: str, place: Path | None = None) -> RunFolder:
        """Make one in `place` (None: among temporary files) that others may pass through where we are root.

        Raises `LaunchError` where that cannot be.
        """
        place = (place or Path(tempfile.gettempdir())).absolute()
        try:
            with _base_to_make_in(place) as base:
                path = Path(tempfile.mkdtemp(prefix=f"{run_id}-", dir=base))
                with ExitStack() as half_made:
                    half_made.callback(remove_tree, path)
                    path.chmod(_mode())
                    lock = path / OWNER_FILE
                    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                    half_made.callback(os.close, descriptor)
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    owner = Owner.of_this_process(lock)
                    os.write(descriptor, str(owner).encode())
                    half_made.pop_all()
        except OSError as error:
            raise LaunchError(f"no folder for the run's files can be made in {place}: {error}") from error
        return cls(path, descriptor, owner)

    def close(self) -> None:
        """Remove it, and let go of the lock."""
        remove_tree(self.path)
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        if self.path.exists():  # removing takes descriptors, of which there may have been none left
            remove_tree(self.path)
        prune(self.path.parent)


def base_folders() -> Iterator[Path]:
    """Every base folder of this user's runs on this machine. What somebody else has made or may write to is none."""
    for place in sorted({Path(tempfile.gettempdir()).absolute(), Path("/tmp"), MEMORY}):  # noqa: S108  looked at only
        with contextlib.suppress(OSError):
            for entry in os.scandir(place):
                if _is_base_name(entry.name) and _is_ours(entry.stat(follow_symlinks=False)):
                    yield place / entry.name


@contextmanager
def locked_base(base: Path) -> Iterator[None]:
    """Keep others from making or judging folders there. Raises `OSError` where it is gone, or no longer ours.

    Raises `DeadlineExceeded` where somebody keeps it.
    """
    descriptor = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + _LOCK_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DeadlineExceeded(f"another run to let go of {base}", _LOCK_S) from None
                time.sleep(_EVERY_S)
        if not _is_ours(os.fstat(descriptor)) or not os.path.samestat(os.fstat(descriptor), base.lstat()):
            raise FileNotFoundError(base)
        yield
    finally:
        os.close(descriptor)


def prune(base: Path) -> None:
    """Remove a base folder in which nothing is any more."""
    with contextlib.suppress(OSError, DeadlineExceeded), locked_base(base):
        base.rmdir()


@contextmanager
def _base_to_make_in(place: Path) -> Iterator[Path]:
    """A base folder, made where there is none yet, and locked."""
    _refuse_where_anybody_can_swap(place)
    name = _base_name()
    for attempt in range(_ATTEMPTS):
        base = place / name
        try:
            base.mkdir(0o700)
            base.chmod(_mode())  # whatever the umask
        except FileExistsError:
            if not _is_ours(base.lstat()):
                # Whoever has taken the name shall not stop the run: another one, which nobody can guess.
                base = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place))
                base.chmod(_mode())
        with contextlib.ExitStack() as locked:
            try:
                locked.enter_context(locked_base(base))
            except FileNotFoundError:  # its last run has just removed it
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            yield base
            return


def _refuse_where_anybody_can_swap(place: Path) -> None:
    mode = place.stat().st_mode
    if mode & 0o002 and not mode & stat.S_ISVTX:
        raise LaunchError(f"anybody can put other folders in the place of a run's in {place}: `chmod +t` it")


def _mode() -> int:
    """Where we are root, servers and replicas are other users, who may pass and not look."""
    return 0o711 if os.geteuid() == 0 else 0o700


def _base_name() -> str:
    return f"envparity-{os.geteuid()}"


def _is_base_name(name: str) -> bool:
    return name == _base_name() or name.startswith(f"{_base_name()}-")


def _is_ours(found: os.stat_result) -> bool:
    """Whether that is a folder in which nobody else can make, find or replace anything."""
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o066
