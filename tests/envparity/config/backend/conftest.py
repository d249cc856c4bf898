"""A backend file of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envparity.config.backend.good_files import Write


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a backend file, with the files that it names beside it, and returns its relative path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app" / "docker").mkdir(parents=True)
    (tmp_path / "app" / "docker" / "Dockerfile").touch()
    (tmp_path / "app" / "asyncapi.yaml").touch()

    def file(text: str) -> Path:
        path = Path("app/backend.toml")
        path.write_text(text)
        return path

    return file
