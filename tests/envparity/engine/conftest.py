"""Tests of the engine count boots: how busy the machine is meanwhile must not add any."""

from __future__ import annotations

import pytest

from envparity.support.stalls import StallMeter, Stalls


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is stalled, unless a test says so of a meter of its own."""
    monkeypatch.setattr(StallMeter, "since", lambda _meter, _mark: Stalls(1.0, 0.0, 0.0))
