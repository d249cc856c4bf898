"""The fault catalogue stays in step with the tree that it breaks."""

from __future__ import annotations

import datetime as dt
import itertools
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from parity_tests.faults.catalogue import (
    BENIGN,
    CATALOGUE,
    ORDER_CATALOGUE,
    UPGRADE_CATALOGUE,
    Fault,
)
from parity_tests.faults.turns import (
    CONTAINERS,
    DAY,
    DEPTH,
    environments_of,
    in_depth,
    in_depth_today,
    launcher_of,
    twins_today,
)

ROOT = Path(__file__).parents[2]

DAYS = [dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(CONTAINERS)]


def by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing asks for everything at once."""
    monkeypatch.delenv("ENVPARITY_FAULTS", raising=False)
    monkeypatch.delenv("ENVPARITY_THOROUGH", raising=False)


@pytest.mark.parametrize("fault", [*CATALOGUE, *ORDER_CATALOGUE, *UPGRADE_CATALOGUE], ids=lambda fault: fault.id)
def test_a_fault_applies_to_the_tree(fault: Fault) -> None:
    """Whoever changes what it changes is told so at once, and not by the containers of an hour later."""
    command = ["git", "apply", "--check", "--whitespace=nowarn", str(fault.patch)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr


def test_every_fault_has_its_turn_in_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    """In so many days as a rotation has; every day some have it, one of an order among them; and at night all have."""
    by_day(monkeypatch)
    days = DAYS[:CONTAINERS]
    everything = [fault for fault in (*CATALOGUE, *ORDER_CATALOGUE) if not fault.process_only]
    turns = {fault.id for fault in everything for day in days if launcher_of(fault, day) == "container"}
    assert turns == {fault.id for fault in everything}
    for day in days:
        assert sum(launcher_of(fault, day) == "container" for fault in ORDER_CATALOGUE) == 1
        assert (
            len(CATALOGUE) // CONTAINERS
            <= sum(launcher_of(fault, day) == "container" for fault in CATALOGUE)
            <= len(CATALOGUE) // 5
        )
    monkeypatch.setenv("ENVPARITY_FAULTS", "containers")
    assert {launcher_of(fault, days[0]) for fault in everything} == {"container"}


def test_every_fault_has_its_day_in_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within so many days each, a like part every day; what is booted in containers that day is among them."""
    by_day(monkeypatch)
    parts = [in_depth_today(CATALOGUE, day) for day in DAYS[:DEPTH]]
    assert {fault.id for part in parts for fault in part} == {fault.id for fault in CATALOGUE if not fault.nightly}
    assert max(map(len, parts)) <= len(CATALOGUE) // DEPTH + 1
    for day in DAYS:
        turns = [fault for fault in CATALOGUE if launcher_of(fault, day) == "container" and not fault.container_only]
        assert all(in_depth(fault, day) for fault in turns)
        assert len(in_depth_today(ORDER_CATALOGUE, day)) == 1
    monkeypatch.setenv("ENVPARITY_THOROUGH", "1")
    assert in_depth_today(CATALOGUE, DAYS[0]) == CATALOGUE
    assert in_depth_today(ORDER_CATALOGUE, DAYS[0]) == ORDER_CATALOGUE


def test_every_twin_has_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within so many days each, and at night all of them."""
    by_day(monkeypatch)
    turns = {twin.id for day in DAYS[:DEPTH] for twin in twins_today(day)}
    assert turns == {twin.id for twin in BENIGN if not twin.nightly}
    monkeypatch.setenv("ENVPARITY_THOROUGH", "1")
    assert twins_today(DAYS[0]) == BENIGN


def test_a_midnight_changes_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run chose when it began its workers choose too; each look at the clock is a day on."""
    environment: dict[str, str] = {}
    days = itertools.cycle(DAYS)

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Clock:
            return cls.combine(next(days), dt.time(), tz)

    monkeypatch.setattr("parity_tests.faults.turns.os", SimpleNamespace(environ=environment))
    monkeypatch.setattr("parity_tests.faults.turns.dt", SimpleNamespace(date=dt.date, datetime=Clock, UTC=dt.UTC))
    chosen = in_depth_today(CATALOGUE)
    assert chosen == in_depth_today(CATALOGUE, DAYS[0])
    assert [fault for fault in CATALOGUE if not fault.nightly and in_depth(fault)] == [*chosen]
    assert environment == {DAY: "2026-01-01"}, "what a worker inherits"


@pytest.mark.parametrize("fault", [*CATALOGUE, *ORDER_CATALOGUE], ids=lambda fault: fault.id)
def test_on_other_days_it_is_booted_where_it_shows_and_where_it_does_not(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One environment of each kind, as far as there is one; and the baseline is among them, as it comes first."""
    by_day(monkeypatch)
    day = next(day for day in DAYS if not in_depth(fault, day))
    booted = environments_of(fault, day)
    assert len([name for name in booted if name in fault.shows_in]) == 1
    assert len(booted) == (1 if {*fault.environments} <= {*fault.shows_in} else 2)
    assert booted[0] == fault.environments[0]
