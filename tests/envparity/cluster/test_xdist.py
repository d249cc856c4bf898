"""Workers of pytest-xdist: one run for all of them, whoever asks first, and the verdict of one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envparity.faces.pytest.shared import Failed, Seen, SharedRun
from envparity.judge.finding import Verdict
from envparity.report.saved import saved_runs
from tests.envparity.cluster.ferries import CASES
from tests.envparity.running import TREE

LAUNCHER = """
import envparity.launch.choose
from tests.envparity.cluster.ferries import FerryLauncher

def choose(name, project, waiting):
    if (error := {error!r}):
        from envparity.errors import EngineUnavailable
        raise EngineUnavailable(error)
    return FerryLauncher(project)

envparity.launch.choose.choose_launcher = choose
"""
TESTS = """
import pytest

@pytest.mark.parametrize("at", range(6))
def test_everybody_asks(parity, at):
    assert len(parity.observations()) == 2
    assert not parity.verdict.clean
"""


def session(ferry: Path, *options: str, error: str = "") -> subprocess.CompletedProcess[str]:
    """A session of pytest in the ferry's folder, whose launcher boots nothing, in processes of its own."""
    (ferry / "conftest.py").write_text(LAUNCHER.format(error=error))
    (ferry / "test_ferry.py").write_text(TESTS)
    (ferry / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider -p no:hypothesispytest -p no:asyncio\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--junit-xml=junit.xml", *options],
        cwd=ferry,
        env=os.environ | {"PYTHONPATH": str(TREE), "GITHUB_ACTIONS": "", "TMPDIR": str(ferry)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.processes
def test_workers_share_one_run(ferry: Path) -> None:
    """Each case is booted once, and every worker reads it; verdict, reports and exit status are the session's."""
    done = session(ferry, "-n", "4", "--envparity-sarif", "verdict.sarif")
    assert done.returncode == 1, done.stdout + done.stderr  # every test has passed: the verdict is red
    assert "6 passed" in done.stdout
    assert done.stdout.count("RED") == 1, done.stdout
    (run,) = saved_runs(ferry / ".envparity" / "runs")
    assert run.read_text().count('"type":"CaseObserved"') == CASES
    assert "EP203" in (ferry / "verdict.sarif").read_text()
    assert not list(ferry.glob("envparity-session-*"))


@pytest.mark.processes
def test_what_keeps_a_run_from_its_verdict_is_said_once_by_the_session(ferry: Path) -> None:
    """Every test fails with it, no other worker tries again, and the exit code is that of one process."""
    done = session(ferry, "-n", "2", error="no engine answers here")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "6 failed" in done.stdout or "6 errors" in done.stdout
    assert "no engine answers here" in done.stderr
    assert not saved_runs(ferry / ".envparity" / "runs")


@pytest.mark.processes
def test_files_that_are_wrong_end_a_session_of_workers_with_the_same_code(ferry: Path) -> None:
    """2, and the message of all mistakes."""
    (ferry / "environments" / "quay.toml").write_text("nonsense = 1\n")
    done = session(ferry, "-n", "2")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "nonsense" in done.stderr


VERDICT = Verdict("0a1b2c3d", "fake", (), ("quay",), 1, 1, 1, (), (), 1.0)


def test_who_comes_later_reads_what_was_seen(tmp_path: Path) -> None:
    """And a worker that died in the middle of its run is replaced by the next that asks."""
    first, second = SharedRun(tmp_path), SharedRun(tmp_path)

    def dies() -> Seen:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first.once(dies)
    assert second.known is None
    assert second.once(lambda: Seen((), VERDICT)) == Seen((), VERDICT)
    assert first.once(dies) == Seen((), VERDICT)
    second.fail(Failed("no room", 3))
    assert first.once(dies) == Failed("no room", 3)
    first.remove()
    assert not tmp_path.exists()
