from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.envparity.running import Running
from tests.hostile.small_run import SmallRun

StartRun = Callable[..., SmallRun]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for temporary files as /tmp is: anybody writes to it, and nobody takes away what is another's."""
    made = Path(tempfile.mkdtemp(prefix="hostile-"))
    made.chmod(0o1777)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def start_run(place: Path) -> Iterator[StartRun]:
    """Starts small runs; none outlives the test."""
    started: list[SmallRun] = []

    def start(argv: Sequence[str] = (), before: Sequence[str] = (), where: Path | None = None) -> SmallRun:
        started.append(SmallRun(where or place, argv, before))
        return started[-1]

    yield start
    for run in started:
        run.close()


@pytest.fixture
def running() -> Iterator[list[Running]]:
    """Every whole run that a test starts; none outlives it."""
    started: list[Running] = []
    yield started
    for run in started:
        run.close()
