"""The ferry as the working folder, booted by a launcher that boots nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import envparity.launch.choose
from envparity.faces.cli.app import app
from envparity.launch.port import Waiting
from envparity.model.project import Project
from envparity.support.stalls import StallMeter, Stalls
from tests.envparity.cluster.ferries import FerryLauncher, copied_ferry

Envparity = Callable[..., Result]


@pytest.fixture
def ferry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project, which is the working folder; its runs are saved in it."""
    folder = copied_ferry(tmp_path)
    monkeypatch.chdir(folder)
    for name in ("ENVPARITY_RUNS", "ENVPARITY_BACKEND", "ENVPARITY_LAUNCHER", "ENVPARITY_ORDERS"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def launchers(ferry: Path, monkeypatch: pytest.MonkeyPatch) -> list[FerryLauncher]:
    """Every launcher that was made, of those that boot nothing; busy as the machine may be, no boot is made twice."""
    made: list[FerryLauncher] = []

    def choose(name: str, project: Project, waiting: Waiting) -> FerryLauncher:
        made.append(FerryLauncher(project))
        return made[-1]

    monkeypatch.setattr(envparity.launch.choose, "choose_launcher", choose)
    monkeypatch.setattr(StallMeter, "since", lambda _meter, _mark: Stalls(1.0, 0.0, 0.0))
    return made


@pytest.fixture
def envparity_(launchers: list[FerryLauncher]) -> Envparity:
    """The command line, whose launchers boot nothing; fails where it has a bug."""

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code != 70, result.output
        return result

    return run
