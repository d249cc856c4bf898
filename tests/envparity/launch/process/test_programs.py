"""Programs of servers that whoever runs them can reach."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from envparity.launch.process.programs import ServerPrograms


def test_a_wheel_where_nobody_may_go_is_copied_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks first, and whoever asks meanwhile: each gets a program that can be run."""
    package = tmp_path / "hidden" / "wheel"
    (package / "bin").mkdir(parents=True)
    (tmp_path / "hidden").chmod(0o700)
    (package / "__init__.py").touch()
    for number in range(300):
        (package / "bin" / f"file-{number}").touch()
    (package / "bin" / "zz-server").touch(mode=0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "run").mkdir()
    found = ServerPrograms(tmp_path / "run")

    def ask(_: int) -> bool:
        return os.access(found.usable(package / "bin") / "zz-server", os.X_OK)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8)))
    assert found.usable(package / "bin") == tmp_path / "run" / "wheel" / "bin"


def test_what_anybody_may_run_is_run_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is copied."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert ServerPrograms(tmp_path).usable(Path("/bin")) == Path("/bin")
    assert list(tmp_path.iterdir()) == []
