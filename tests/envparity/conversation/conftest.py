"""A contract of a few frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.conversation.contract.contract import Contract
from tests.envparity.conversation.machine_talks import CONTRACT


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    """A client says ping, and hears pong."""
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT)
    return Contract.load(path)
