"""Runs `envparity` on a small backend of `parity_tests/cases`, as its owner would, and hands over the saved run.

Each folder here is a backend that is not the reference one: a server of a few lines, its `backend.toml` and its
environments, rebuilt from a class of failure that happened to people. Each `test_*.py` keeps what must be said of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from envparity.judge.cause import TraitsCause
from envparity.judge.finding import Finding, Verdict
from envparity.report.saved import SavedRun, read_run

CASES = Path(__file__).parent
RUN_S = 600.0
"""How long one verdict may take at most, in seconds, on a machine that is busy with others."""


@dataclass(frozen=True)
class CaseRun:
    """What one `envparity run` on a case came to: its exit code, what it printed, and the run that it saved."""

    exit_code: int
    output: str
    saved: SavedRun

    @property
    def verdict(self) -> Verdict:
        return self.saved.verdict

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.saved.verdict.findings


RunCase = Callable[..., CaseRun]


def single_cause(finding: Finding) -> str:
    """The one trait that makes the difference, as the verdict names it; fails where there is another cause, or none."""
    assert isinstance(finding.cause, TraitsCause), finding.cause
    ((trait,),) = finding.cause.alternatives
    return trait


@pytest.fixture
def run_case(tmp_path: Path) -> RunCase:
    """A function that runs a case: its folder's name, then what the command line is to be given.

    `backend` and `environments` name others than `backend.toml` and `environments` of that folder; the launcher is that
    of processes where none is named. Fails with all that was printed where the run came to no verdict.
    """
    count = 0

    def run(
        name: str,
        *arguments: str,
        backend: str = "backend.toml",
        environments: str = "environments",
        launcher: str = "process",
    ) -> CaseRun:
        nonlocal count
        count += 1
        runs = tmp_path / f"runs-{count}"
        asked = ["--backend", backend, "--environments", environments, "--launcher", launcher]
        ended = subprocess.run(
            [sys.executable, "-m", "envparity", "run", *asked, "--runs", str(runs), "--plain", *arguments],
            cwd=CASES / name,
            env=os.environ | {"GITHUB_ACTIONS": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        output = ended.stdout + ended.stderr
        files = sorted(runs.glob("*.ndjson"))
        assert ended.returncode in {0, 1} and files, f"exit code {ended.returncode}:\n{output}"  # noqa: PT018
        return CaseRun(ended.returncode, output, read_run(files[-1]))

    return run
