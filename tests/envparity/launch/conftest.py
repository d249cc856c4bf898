from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.envparity.running import Running


@pytest.fixture
def running() -> Iterator[list[Running]]:
    """Every run that a test starts; whatever happens, none outlives it."""
    started: list[Running] = []
    yield started
    for running in started:
        running.close()
