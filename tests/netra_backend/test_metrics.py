"""What stands in /metrics before anything has happened, so that alerts see the first event as an increase."""

from __future__ import annotations

import time

import pytest
import yaml

from tests.netra_backend.conftest import Start
from tests.netra_backend.running import REPOSITORY

EXACT_S = 2.0
"""How far from the truth a process may be that says when it was started: it knows the time of the boot in seconds."""


@pytest.fixture
def began() -> float:
    """A moment before the backend is started."""
    return time.time()


@pytest.fixture
def shown(start: Start, began: float) -> list[str]:
    """The exposition of a backend that nobody has spoken to, and that waits for its Redis."""
    del began  # only before it
    lines: list[str] = start(REDIS_URL="redis://127.0.0.1:1/0").get("/metrics")[1].splitlines()
    return lines


def test_what_alerts_watch_is_there_before_it_happens(shown: list[str], began: float) -> None:
    """Every outcome of the contract, every status of the handshake and 1011 stand at 0; the process says its age."""
    document = yaml.safe_load((REPOSITORY / "netra_backend" / "asyncapi.yaml").read_text())
    contract = document["channels"]["conversation"]
    outcomes = {*contract["x-close-codes"][1008]["reasons"], "accepted", "dependency_unavailable"} - {"rate_limited"}
    expected = {f'netra_auth_attempts_total{{outcome="{outcome}"}} 0.0' for outcome in outcomes}
    expected |= {
        f'netra_websocket_handshakes_total{{status="{status}"}} 0.0' for status in contract["x-handshake"]["statuses"]
    }
    expected.add('netra_websocket_closes_total{code="1011",reason="internal_error"} 0.0')
    assert expected <= set(shown)
    counted = [line for line in shown if line.startswith(("netra_auth_attempts_total", "netra_websocket_handshakes_"))]
    assert {line for line in counted if "_created" not in line} <= expected
    (started,) = (float(line.split()[1]) for line in shown if line.startswith("process_start_time_seconds "))
    assert began - EXACT_S < started < time.time() + EXACT_S
