"""Clocks of replicas: what the library is told, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.errors import LaunchError
from envparity.launch import clocks
from envparity.model.case import Boot


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
