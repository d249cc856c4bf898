"""A team whose deployment is a compose file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envparity.sources.compose.projects import TEAM
from tests.envparity.sources.reading import put


@pytest.fixture
def team(tmp_path: Path) -> Path:
    put(tmp_path, compose__yaml=TEAM, api__env="LOG_LEVEL=debug\nFROM_FILE=1\n")
    return tmp_path
