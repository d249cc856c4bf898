"""Several writers as one: what one cannot write, the others do."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from envparity.engine.events import Event, RunFinished
from envparity.errors import DoorFailed, OutputFailed
from envparity.judge.finding import Verdict
from envparity.report.ndjson import NdjsonWriter
from envparity.report.writer import Tee

_FULL = Path("/dev/full")
_FINISHED = RunFinished(Verdict("0a1b2c3d", "fake", (), ("local",), 1, 1, 1, (), (), 1.0))


class Heard:
    """Keeps what it is told, and raises what it was given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.heard: list[Event] = []
        self.closed = 0
        self._error = error

    def handle(self, event: Event) -> None:
        self.heard.append(event)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed += 1


def test_one_that_fails_is_left_alone_and_said_when_all_are_closed() -> None:
    full, whole = Heard(OSError(errno.ENOSPC, "No space left on device", "run.ndjson")), Heard()
    tee = Tee((full, whole))
    for _ in range(2):
        tee.handle(_FINISHED)
    with pytest.raises(OutputFailed) as failed:
        tee.close()
    assert (len(full.heard), len(whole.heard)) == (1, 2)
    assert (full.closed, whole.closed) == (1, 1)
    assert failed.value.verdict == "CLEAN"
    assert failed.value.failures == ("run.ndjson: No space left on device",)
    tee.close()  # may be called twice


@pytest.mark.skipif(not _FULL.exists(), reason="no device that is always full")
def test_a_full_disk_is_one_failure() -> None:
    tee = Tee((NdjsonWriter(_FULL),))
    tee.handle(_FINISHED)
    with pytest.raises(OutputFailed) as failed:
        tee.close()
    assert len(failed.value.failures) == 1


def test_what_is_not_the_machines_stays_what_it_is() -> None:
    tee = Tee((Heard(DoorFailed("report x of y", "why")), Heard()))
    tee.handle(_FINISHED)
    with pytest.raises(DoorFailed):
        tee.close()
