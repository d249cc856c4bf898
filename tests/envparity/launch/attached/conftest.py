"""What every test of a deployed environment finds: the key of who deployed it."""

from __future__ import annotations

import pytest

from tests.envparity.launch.attached.deployed import KEY


@pytest.fixture(autouse=True)
def the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_KEY", KEY)
