"""`envparity doctor`: each line says how it is and what to do; the exit code says whether a run is possible."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from envparity.faces.cli import doctor

Envparity = Callable[..., Result]


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_no_run_is_possible(envparity: Envparity) -> None:
    """3, and what to do about it; the rest is looked at all the same."""
    result = envparity("doctor")
    assert (result.exit_code, result.stderr) == (3, "")
    assert "no container engine answers" in " ".join(result.stdout.split())
    assert "-> start one" in result.stdout
    assert "files        ok   chat in local, staging" in result.stdout
    assert "has no table [process]" in " ".join(result.stdout.split())
    assert result.stdout.endswith("no run is possible here yet\n")


@pytest.mark.usefixtures("no_engine")
def test_no_files_here_is_a_note(envparity: Envparity, files: Path) -> None:
    """The machine may be in order without them; files that were named and are not are bad input."""
    (files / "backend.toml").unlink()
    result = envparity("doctor")
    assert "files        note" in result.stdout
    named = envparity("doctor", "--backend", "missing.toml")
    assert (named.exit_code, named.stdout) == (2, "")
    assert "missing.toml" in named.stderr


def test_a_python_that_is_too_old_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the version that is needed."""
    monkeypatch.setattr(doctor, "_OLDEST", (9, 9))
    check = doctor._python()
    assert (check.state, check.action) == ("bad", "envparity needs 9.9 or later")


@pytest.mark.docker
def test_with_an_engine_a_run_is_possible(envparity: Envparity) -> None:
    """0: version, launcher, base, images, disk and leftovers, a line each."""
    result = envparity("doctor")
    assert result.exit_code == 0, result.output
    said = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ") and line[2] != " "]
    assert said == ["python", "files", "engine", "launcher", "base", "images", "disk", "leftovers"]
    assert result.stdout.endswith("a run is possible\n")


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_processes_may_do(envparity: Envparity, files: Path) -> None:
    """0 where the backend's file says how: the launcher that auto takes, and what that cannot check."""
    with (files / "backend.toml").open("a", encoding="utf-8") as file:
        file.write('\n[process]\ncommand = ["python3", "-m", "chat"]\n')
    result = envparity("doctor")
    said = " ".join(result.stdout.split())
    assert result.exit_code == 0, result.output
    assert "engine note no container engine answers" in said
    assert "launcher ok process: no engine answers, and auto takes it; it cannot check the image" in said
