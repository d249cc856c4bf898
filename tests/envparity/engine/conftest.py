"""Tests of the engine count boots: how busy the machine is meanwhile must not add any."""

from __future__ import annotations

import pytest

import envparity.engine.observer
from envparity.support.stalls import StallMeter, Stalls


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is stalled, unless a test says so of a meter of its own."""
    monkeypatch.setattr(StallMeter, "since", lambda _meter, _mark: Stalls(1.0, 0.0, 0.0))


@pytest.fixture(autouse=True)
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks that are no servers are asked for nothing over HTTP."""

    async def nothing(*_stack_and_backend: object) -> tuple[()]:
        return ()

    monkeypatch.setattr(envparity.engine.observer, "ask_from_other_origins", nothing)
