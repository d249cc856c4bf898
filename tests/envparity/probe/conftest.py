"""What every test of the probe has: little patience."""

from __future__ import annotations

import pytest

from envparity.probe import attempt


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer in this process explains itself at once."""
    monkeypatch.setattr(attempt, "_LINGER_S", 0.1)
