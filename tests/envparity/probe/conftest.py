"""What every test of the probe has: little patience."""

from __future__ import annotations

import pytest

from envparity.conversation import driving


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer in this process explains itself at once."""
    monkeypatch.setattr(driving, "_LINGER_S", 0.1)
