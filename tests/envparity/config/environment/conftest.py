"""A folder of environment files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envparity.config.environment.good_files import Write


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes an environment file below the working directory, and returns its relative path."""
    monkeypatch.chdir(tmp_path)

    def file(text: str, name: str = "staging") -> Path:
        path = Path(f"{name}.toml")
        path.write_text(text)
        return path

    return file
