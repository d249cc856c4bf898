"""What the workers of pytest-xdist share: one run of the machine, made by whoever asks first, read by all others."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from envparity.errors import DeadlineExceeded
from envparity.judge.finding import Verdict
from envparity.observe.record import Observation

__all__ = ["WORKER_KEY", "Failed", "Seen", "SharedRun"]

WORKER_KEY = "envparity_shared"
"""Under which the controller tells its workers where the folder is."""

_LONGEST_S = 6 * 3600.0
"""How long a worker waits for another's run: whoever dies lets go of the lock, so that only a run itself takes long."""
_LOOK_S = 0.05
_SEEN, _FAILED = "seen.json", "failed.json"


class Seen(msgspec.Struct, frozen=True):
    """A run to its verdict: what was observed, and the file that the run was saved to ("" where it was not)."""

    observations: tuple[Observation, ...]
    verdict: Verdict
    saved: str = ""


class Failed(msgspec.Struct, frozen=True):
    """A run without a verdict of all: the one message of it, the exit code; what was seen, and where that was saved."""

    text: str
    code: int
    verdict: Verdict | None = None
    saved: str = ""


class SharedRun:
    """A folder for the owner alone, in which the first worker that asks puts what it has seen.

    Raises what others have failed at only once: `failed` says it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def made(cls) -> SharedRun:
        """One that nobody uses yet, for one session of pytest."""
        return cls(Path(tempfile.mkdtemp(prefix="envparity-session-")))

    def __str__(self) -> str:
        return str(self._folder)

    def once(self, make: Callable[[], Seen]) -> Seen | Failed:
        """What some worker has seen, or failed at; where none has come to either, what `make` gives here."""
        with self._alone():
            known = self.known
            if known is not None:
                return known
            seen = make()
            self._write(_SEEN, seen)
            return seen

    def fail(self, failed: Failed) -> None:
        """Say to all workers that there is no verdict of all."""
        self._write(_FAILED, failed)

    @property
    def known(self) -> Seen | Failed | None:
        """What the run has come to; None where nobody asked, or it goes on."""
        failed, seen = self._folder / _FAILED, self._folder / _SEEN
        if failed.is_file():
            return msgspec.json.decode(failed.read_bytes(), type=Failed)
        return msgspec.json.decode(seen.read_bytes(), type=Seen) if seen.is_file() else None

    def remove(self) -> None:
        """Leave nothing of it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """With nobody else of this session in here. Raises `DeadlineExceeded`."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            until_s = time.monotonic() + _LONGEST_S
            while not _locked(descriptor):
                if time.monotonic() > until_s:
                    raise DeadlineExceeded("the run of another worker", _LONGEST_S)
                time.sleep(_LOOK_S)
            yield
        finally:
            os.close(descriptor)

    def _write(self, name: str, what: msgspec.Struct) -> None:
        """The whole file or none: nobody reads half of it."""
        descriptor, path = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(what))
        Path(path).replace(self._folder / name)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
