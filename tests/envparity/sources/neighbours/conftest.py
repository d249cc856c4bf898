"""A team whose backend talks to other containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Environment
from tests.envparity.sources.neighbours.teams import COMPOSE
from tests.envparity.sources.reading import environment, put


@pytest.fixture
def made(tmp_path: Path) -> Environment:
    """What the backend of that file extends."""
    put(tmp_path, compose__yaml=COMPOSE.replace("discovery.type=single-node", "DISCOVERY=single-node"))
    put(tmp_path, pricing___Dockerfile="FROM x\n")
    return environment(tmp_path, "compose.yaml#api")
