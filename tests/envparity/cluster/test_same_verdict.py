"""Real boots of one small backend with one fault: one process, workers of pytest, shards and a cluster say the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envparity.judge.finding import Verdict
from envparity.report.saved import newest_run
from tests.envparity.cluster.ferries import unlike
from tests.envparity.running import MOMENT_S, TREE

pytestmark = pytest.mark.processes

TEST = """
import pytest

@pytest.mark.parametrize("at", range(4))
def test_everybody_asks(parity, at):
    assert not parity.verdict.clean
"""


def called(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A program of this interpreter, begun in that folder."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(TREE), "ENVPARITY_LAUNCHER": "process", "GITHUB_ACTIONS": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(program: subprocess.Popen[str], code: int) -> None:
    said, _ = program.communicate(timeout=2 * MOMENT_S)
    assert program.returncode == code, said


def test_one_process_four_workers_four_shards_and_a_cluster_come_to_the_same_verdict(ferry: Path) -> None:
    """Findings, causes and verdict are the same but for times; each way was booted by itself."""
    (ferry / "test_ferry.py").write_text(TEST)
    (ferry / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider -p no:hypothesispytest -p no:asyncio\n")
    verdicts: dict[str, Verdict] = {}

    def keep(way: str) -> None:
        verdicts[way] = newest_run(ferry / ".envparity" / "runs").verdict

    ended(called(ferry, "envparity", "run", "--plain"), 1)
    keep("one process")
    ended(called(ferry, "pytest", "-q", "-n", "4", "--envparity-causes"), 1)
    keep("-n 4")
    files = [f"{index}.ndjson" for index in range(1, 5)]
    for index, file in enumerate(files, start=1):
        ended(called(ferry, "envparity", "run", "--plain", "--shard", f"{index}/4", "--ndjson", file), 0)
    ended(called(ferry, "envparity", "merge", "--plain", *files), 1)
    keep("4 shards")
    ended(called(ferry, "envparity", "run", "--plain", "--cluster", "local:4"), 1)
    keep("a cluster")
    assert len({verdict.run_id for verdict in verdicts.values()}) == 4
    alone = verdicts["one process"]
    assert {way: unlike(alone, verdict) for way, verdict in verdicts.items()} == {way: [] for way in verdicts}
