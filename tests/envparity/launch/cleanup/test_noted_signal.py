"""What works in a dead run's folders is ended by the signal that is noted beside them, and by SIGKILL otherwise."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envparity.launch.cleanup.cleaning import end_processes, note_signal

PROGRAM = """
import signal, time
for number in (signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: (open("told", "w").write(str(number)), exit(0)))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("noted", "told"), [(signal.SIGQUIT, "3"), (signal.SIGTERM, "15"), (None, None)])
def test_it_heeds_the_signal_that_is_noted(tmp_path: Path, noted: signal.Signals | None, told: str | None) -> None:
    """Also where it works in a folder below the one that the note is beside; nothing else tells of the process."""
    run = tmp_path / "run"
    data = run / "server" / "data"
    data.mkdir(parents=True)
    if noted is not None:
        note_signal(run / "server", noted)
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, cwd=data, stdout=subprocess.PIPE, text=True, start_new_session=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        end_processes([], "", [run])
        assert program.wait(30) == (0 if noted is not None else -signal.SIGKILL)
    found = data / "told"
    assert (found.read_text(encoding="ascii") if found.exists() else None) == told


@pytest.mark.parametrize("noted", ["9", "0", "none", ""])
def test_a_note_that_says_something_else_is_none(tmp_path: Path, noted: str) -> None:
    """Whoever may write there may not choose what is sent."""
    run = tmp_path / "run"
    (run / "server").mkdir(parents=True)
    (run / "server.signal").write_text(noted, encoding="ascii")
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, cwd=run / "server", stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        end_processes([], "", [run])
        assert program.wait(30) == -signal.SIGKILL
    assert not (run / "server" / "told").exists()
