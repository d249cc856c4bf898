"""What stands in /metrics before anything has happened, so that alerts see the first event as an increase."""

from __future__ import annotations

import time

import pytest
import yaml

from tests.netra_backend.conftest import Start
from tests.netra_backend.running import REPOSITORY

AGE_LIMIT_S = 12.0
"""How old a process may say that it is, just after it was started; it knows the time of the boot in whole seconds."""


@pytest.fixture
def shown(start: Start) -> list[str]:
    """The exposition of a backend that nobody has spoken to, and that waits for its Redis."""
    lines: list[str] = start(REDIS_URL="redis://127.0.0.1:1/0").get("/metrics")[1].splitlines()
    return lines


def test_what_alerts_watch_is_there_before_it_happens(shown: list[str]) -> None:
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
    assert abs(time.time() - started) < AGE_LIMIT_S
