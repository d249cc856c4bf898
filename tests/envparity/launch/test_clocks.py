"""Clocks of replicas: what the library is told, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec
import pytest

from envparity.engine.run import Run
from envparity.engine.session.exits import MACHINE, code_of
from envparity.errors import LaunchError
from envparity.faces.cli import doctor
from envparity.launch import clocks
from envparity.launch.port import Launcher
from envparity.model.case import Boot
from envparity.model.environment import Environment, Platform
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from tests.envparity.launching import BACKEND, FakeLauncher


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is booted with clocks that would all be the machine's."""
    monkeypatch.setattr(clocks, "_PLACES", ("/nowhere/*/libfaketimeMT.so.1",))
    with pytest.raises(LaunchError, match="faketime"):
        clocks.faketime_library()


@pytest.mark.parametrize(("by_s", "said"), [(0.0, "+0"), (30.0, "+30"), (-1.5, "-1.5"), (315_576_000.0, "+315576000")])
def test_a_clock_is_a_file_that_is_written_in_place(tmp_path: Path, by_s: float, said: str) -> None:
    """A container that has it mounted sees what is written into the same file, whoever runs there."""
    file = tmp_path / "clock"
    clocks.set_clock(file, 5.0)
    before = file.stat().st_ino
    clocks.set_clock(file, by_s)
    assert file.read_text(encoding="ascii") == f"{said}\n"
    assert file.stat().st_ino == before
    assert file.stat().st_mode & 0o777 == 0o644


def test_the_last_clock_is_that_of_all_replicas_behind_it() -> None:
    """And without any, each has the machine's."""
    boot = Boot(clocks=(0.0, 60.0))
    assert [boot.clock_of(index) for index in range(4)] == [0.0, 60.0, 60.0, 60.0]
    assert Boot().clock_of(0) is None
    assert boot.label == "clocks +0 s, +60 s"


def test_a_run_that_sets_clocks_is_the_machines_trouble_where_there_is_no_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Said before anything boots, and by `doctor`; a run that sets none does not need it."""
    apart = Scenario("apart", boot=Boot(clocks=(0.0, 60.0)), replicas=2, steps=())
    platform = {"local": Environment("local", platform=Platform(replicas=2))}
    with_clocks = Project(msgspec.structs.replace(BACKEND, scenarios=(Scenario("talk"), apart)), platform)
    monkeypatch.setattr(clocks, "_PLACES", ())
    with pytest.raises(LaunchError, match="faketime") as raised:
        Run(with_clocks, cast("Launcher", FakeLauncher()), lambda _: None)
    assert code_of(raised.value) == MACHINE
    Run(with_clocks, cast("Launcher", FakeLauncher()), lambda _: None, only=("talk",))
    assert [clock.state for clock in doctor._clocks(with_clocks)] == ["note"]
    monkeypatch.undo()
    assert [clock.state for clock in doctor._clocks(with_clocks)] == ["ok"]
    assert list(doctor._clocks(Project(BACKEND, platform))) == []
