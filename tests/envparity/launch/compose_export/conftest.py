"""A team that exports an environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envparity.launch.compose_export.exporting import BACKEND, STAGING


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one environment."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM a AS prod\n")
    (tmp_path / "backend.toml").write_text(BACKEND)
    (tmp_path / "environments" / "staging.toml").write_text(STAGING)
    (tmp_path / "environments" / "app.conf").write_text("price {setting:PRICE}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path
