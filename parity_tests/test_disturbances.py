"""What was promised holds again after whatever disturbs it, and nobody storms what is away.

The quick ones are played in every run, those that take long with `--envparity-thorough`.
"""

from __future__ import annotations

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.judge import codes_of

pytestmark = pytest.mark.parity(group="disturbance")


def test_keeps_to_its_script(parity: ParityRun, scenario: str) -> None:
    """Nothing departs from the script or breaks the contract, and the normalised transcript is the same everywhere."""
    parity.assert_holds(scenario)


def test_nobody_storms_and_nobody_is_deaf(parity: ParityRun) -> None:
    """Attempts to connect become fewer, replicas choose moments of their own, and who is ready answers."""
    parity.assert_holds(codes=codes_of("disturbance"))


def test_attempts_to_connect_were_seen(parity: ParityRun) -> None:
    """While Redis hung up somebody tried to come back, and somebody came back afterwards."""
    for name, transcript in parity.transcripts("redis_hung_up").items():
        (disturbed,) = transcript.disturbed
        assert disturbed.outage is not None, name
        assert disturbed.outage.tried > 0, name
        assert disturbed.outage.connected_s is not None, name
