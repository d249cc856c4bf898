"""The fault catalogue stays in step with the tree that it breaks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from parity_tests.faults.catalogue import (
    BENIGN,
    CATALOGUE,
    ORDER_CATALOGUE,
    UPGRADE_CATALOGUE,
    Fault,
)
from parity_tests.faults.turns import (
    TURN,
    TURNS,
    environments_of,
    in_depth,
    in_depth_of_turn,
    launcher_of,
    turn_of,
    twins_of_turn,
)

ROOT = Path(__file__).parents[2]


def by_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing asks for everything at once."""
    monkeypatch.delenv("ENVPARITY_FAULTS", raising=False)
    monkeypatch.delenv("ENVPARITY_THOROUGH", raising=False)


@pytest.mark.parametrize("fault", [*CATALOGUE, *ORDER_CATALOGUE, *UPGRADE_CATALOGUE], ids=lambda fault: fault.id)
def test_a_fault_applies_to_the_tree(fault: Fault) -> None:
    """Whoever changes what it changes is told so at once, and not by the containers of an hour later."""
    command = ["git", "apply", "--check", "--whitespace=nowarn", str(fault.patch)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr


def test_every_fault_has_its_turn_in_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    """In so many turns as there are; in every one some have it, one of an order among them; and at night all have."""
    by_turn(monkeypatch)
    everything = [fault for fault in (*CATALOGUE, *ORDER_CATALOGUE) if not fault.process_only]
    turns = {fault.id for fault in everything for turn in range(TURNS) if launcher_of(fault, turn) == "container"}
    assert turns == {fault.id for fault in everything}
    for turn in range(TURNS):
        assert sum(launcher_of(fault, turn) == "container" for fault in ORDER_CATALOGUE) == 1
        assert (
            len(CATALOGUE) // TURNS
            <= sum(launcher_of(fault, turn) == "container" for fault in CATALOGUE)
            <= len(CATALOGUE) // 5
        )
    monkeypatch.setenv("ENVPARITY_FAULTS", "containers")
    assert {launcher_of(fault, 0) for fault in everything} == {"container"}


def test_every_fault_has_its_turn_in_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within so many turns each, a like part in every one; what is booted in containers is among them."""
    by_turn(monkeypatch)
    parts = [in_depth_of_turn(CATALOGUE, turn) for turn in range(TURNS)]
    assert {fault.id for part in parts for fault in part} == {fault.id for fault in CATALOGUE if not fault.nightly}
    assert max(map(len, parts)) <= len(CATALOGUE) // TURNS + 1
    for turn in range(TURNS):
        turns = [fault for fault in CATALOGUE if launcher_of(fault, turn) == "container" and not fault.container_only]
        assert all(in_depth(fault, turn) for fault in turns)
        assert len(in_depth_of_turn(ORDER_CATALOGUE, turn)) == 1
    monkeypatch.setenv("ENVPARITY_THOROUGH", "1")
    assert in_depth_of_turn(CATALOGUE, 0) == CATALOGUE
    assert in_depth_of_turn(ORDER_CATALOGUE, 0) == ORDER_CATALOGUE


def test_every_twin_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within so many turns each, and at night all of them."""
    by_turn(monkeypatch)
    turns = {twin.id for turn in range(TURNS) for twin in twins_of_turn(turn)}
    assert turns == {twin.id for twin in BENIGN if not twin.nightly}
    monkeypatch.setenv("ENVPARITY_THOROUGH", "1")
    assert twins_of_turn(0) == BENIGN


def test_the_same_tree_has_the_same_turn(tmp_path: Path) -> None:
    """Wherever it stands, and whatever has been compiled in it; what changes in it may change the turn."""
    copies = [tmp_path / name for name in ("one", "other")]
    for copy in copies:
        (copy / "envparity").mkdir(parents=True)
        (copy / "envparity" / "rule.py").write_text("limit = 1\n")
    (copies[1] / "envparity" / "rule.pyc").write_bytes(b"compiled")
    assert turn_of(copies[0]) == turn_of(copies[1])
    turns = set()
    for number in range(100):
        (copies[1] / "envparity" / "rule.py").write_text(f"limit = {number}\n")
        turns.add(turn_of(copies[1]))
    assert turns == {*range(TURNS)}


def test_what_a_run_has_chosen_its_workers_choose_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable that they inherit; a turn that is none is refused."""
    by_turn(monkeypatch)
    monkeypatch.setenv(TURN, "0")  # what the choice leaves there is gone behind the test
    monkeypatch.delenv(TURN)
    chosen = in_depth_of_turn(CATALOGUE)
    assert os.environ[TURN] == str(turn_of(ROOT))
    assert chosen == in_depth_of_turn(CATALOGUE, turn_of(ROOT))
    monkeypatch.setenv(TURN, str(TURNS))
    with pytest.raises(ValueError, match=TURN):
        in_depth_of_turn(CATALOGUE)


@pytest.mark.parametrize("fault", [*CATALOGUE, *ORDER_CATALOGUE], ids=lambda fault: fault.id)
def test_in_other_turns_it_is_booted_where_it_shows_and_where_it_does_not(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One environment of each kind, as far as there is one; and the baseline is among them, as it comes first."""
    by_turn(monkeypatch)
    turn = next(turn for turn in range(TURNS) if not in_depth(fault, turn))
    booted = environments_of(fault, turn)
    assert len([name for name in booted if name in fault.shows_in]) == 1
    assert len(booted) == (1 if {*fault.environments} <= {*fault.shows_in} else 2)
    assert booted[0] == fault.environments[0]
