"""What one client is promised holds for many, and while another one sends too much; with `--envparity-thorough`."""

from __future__ import annotations

import pytest

from envparity.faces.parity_run import ParityRun

pytestmark = pytest.mark.parity(group="load")


def test_keeps_to_its_script(parity: ParityRun, scenario: str) -> None:
    """Nothing departs from the script or breaks the contract, and as many are served everywhere."""
    parity.assert_holds(scenario)
