"""What a command was asked for can be asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.session.inputs import Inputs


def test_what_is_found_anyway_is_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual files and launcher need no option."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENVPARITY_LAUNCHER", raising=False)
    Path("backend.toml").touch()
    Path("environments").mkdir()
    assert Inputs.find().asked == ()
    assert Inputs.find(backend=tmp_path / "backend.toml").asked == ()


def test_other_files_and_another_launcher_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words that lead there from the same folder."""
    monkeypatch.chdir(tmp_path)
    Path("stages").mkdir()
    inputs = Inputs.find(backend="services/chat.toml", environments="stages", launcher="process")
    assert inputs.asked == (
        "--backend", "services/chat.toml", "--environments", "stages", "--launcher", "process",
    )  # fmt: skip
