"""Where a command can say nothing, or not all, it ends with 3 and one sentence, without a traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.engine.session.exits import INTERNAL, MACHINE
from envparity.faces.cli.app import app
from tests.envparity.report.test_saved import save

_ENVPARITY = f"{sys.executable} -m envparity"
_FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not _FULL.exists(), reason="no device that is always full")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with a saved run."""
    save(tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def shell(runs: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a line of bash beside the folder of runs, and gives how it ended."""

    def ended(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", line.replace("envparity", _ENVPARITY, 1)],
            cwd=runs.parent, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip

    return ended


@pytest.mark.parametrize(
    "line",
    [
        "envparity report --runs runs >/dev/full",
        "envparity report --runs runs >&-",
        "envparity rules >/dev/full",
        "envparity report --help >/dev/full",
        "envparity report --runs runs --html /dev/full",
        "envparity rules | true",
        "HOME=/root/none TMPDIR=/none envparity rules >/dev/full",
    ],
)
def test_what_cannot_be_said_is_3(shell: Callable[[str], subprocess.CompletedProcess[str]], line: str) -> None:
    ended = shell(line)
    assert ended.returncode == MACHINE, ended.stderr
    assert ended.stderr.count("envparity: ") == 1
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


def test_nobody_on_stderr_changes_no_code(shell: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    assert shell("envparity check 2>&-").returncode == 2
    assert shell("envparity check 2>/dev/full").returncode == 2


def test_a_bug_of_envparity_is_a_code_of_its_own(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to report, and no value that is a secret by its shape."""

    def broken(*_arguments: object) -> None:
        raise TypeError("postgres://user:hunter2@host/x")

    monkeypatch.setattr("envparity.engine.session.engine.rules", broken)
    result = CliRunner().invoke(app, ["rules"])
    assert result.exit_code == INTERNAL
    assert "TypeError" in result.stderr
    assert "hunter2" not in result.stderr
    assert "in broken" in result.stderr


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device", "x"), MemoryError(), ExceptionGroup("x", [OSError(5, "x")])]
)
def test_what_the_machine_refuses_is_3(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refused() -> None:
        raise error

    monkeypatch.setattr("envparity.engine.session.engine.rules", refused)
    assert CliRunner().invoke(app, ["rules"]).exit_code == MACHINE
