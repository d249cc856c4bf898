"""The count of false alarms: a load that ends, and an exit code that says whether any verdict was red."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

_FILE = Path(__file__).parents[2] / "benchmarks" / "false_alarms.py"


@pytest.fixture(scope="module")
def false_alarms() -> ModuleType:
    spec = importlib.util.spec_from_file_location("false_alarms", _FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("ends", "code"), [({0: 5}, 0), ({0: 4, 1: 1}, 1), ({0: 4, 3: 1}, 3), ({1: 1, 3: 1}, 1), ({0: 4, -9: 1}, 1)]
)
def test_one_red_verdict_is_enough(false_alarms: ModuleType, ends: dict[int, int], code: int) -> None:
    """A red one is an alarm, and so is a run that broke; one that could not be judged is neither clean nor red."""
    assert false_alarms.exit_code(Counter(ends)) == code


def test_what_the_verdict_says_of_the_machine_is_in_the_table(false_alarms: ModuleType) -> None:
    """The line that the terminal prints."""
    said = "CLEAN\n  machine       20% of 61.0 s stalled\n  run  1"
    assert false_alarms.machine(said) == "20% of 61.0 s stalled"


def test_a_load_ends_with_the_measurement(false_alarms: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """No loop is left."""
    started: list[subprocess.Popen[bytes]] = []

    def popen(*arguments: object) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*arguments))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(false_alarms, "subprocess", type("S", (), {"Popen": staticmethod(popen)}))
    with false_alarms.load(2):
        assert [process.poll() for process in started] == [None, None]
    assert all(process.poll() is not None for process in started)


def test_a_loop_ends_by_itself(false_alarms: ModuleType) -> None:
    """Also where nobody ends it."""
    loop = false_alarms._LOOP.format(seconds=0.05)
    assert subprocess.run([sys.executable, "-c", loop], timeout=300, check=False).returncode == 0
