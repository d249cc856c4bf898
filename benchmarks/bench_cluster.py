"""How much faster four workers of a cluster are than one, with boots that take ten seconds and only wait.

What is measured is what the cluster itself costs: nothing is booted, so that processors have no part in it. Both runs
are made one after the other; starting the workers is not counted, for they are there before a run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from envparity.report.saved import newest_run

TREE = Path(__file__).parents[1]
PRELOADED = "tests.envparity.cluster.preloaded"
LEAST = 3.5
ENVIRONMENTS = 16

BACKEND = """\
name = "sleeper"

[image]
name = "none"

[health]
live = "/healthz"
ready = "/healthz"
"""


def project(folder: Path, environments: int) -> None:
    """A backend without scenarios, in so many environments: as many cases, all alike."""
    (folder / "environments").mkdir()
    (folder / "backend.toml").write_text(BACKEND, encoding="utf-8")
    for at in range(environments):
        text = f'name = "env-{at:02}"\n{"baseline = true" if not at else ""}\n'
        (folder / "environments" / f"env-{at:02}.toml").write_text(text, encoding="utf-8")


def seconds(folder: Path, workers: int, boot_s: float) -> float:
    """How long the run took, from its beginning to its verdict, by its own clock."""
    environment = os.environ | {
        "PYTHONPATH": str(TREE),
        "FERRY_BOOT_S": str(boot_s),
        "DASK_DISTRIBUTED__WORKER__PRELOAD": f'["{PRELOADED}"]',
    }
    command = [sys.executable, "-m", PRELOADED, "run", "--plain", "--no-causes", "--cluster", f"local:{workers}"]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    run = newest_run(folder / ".envparity" / "runs")
    print(f"{workers} workers: {run.verdict.cases} cases in {run.verdict.duration_s:.1f} s", end=" ")
    print(f"({time.monotonic() - began:.1f} s with the start and the end of the workers)")
    return run.verdict.duration_s


def main() -> int:
    """Print both, and the ratio; 1 where it is too small."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boot", type=float, default=10.0, help="how long one boot takes, in seconds")
    parser.add_argument("--cases", type=int, default=ENVIRONMENTS, help="how many boots there are")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="envparity-bench-") as name:
        folder = Path(name)
        project(folder, asked.cases)
        first, four = (seconds(folder, workers, asked.boot) for workers in (1, 4))
    ratio = first / four
    print(f"4 workers are {ratio:.2f} times as fast as 1 (at least {LEAST})")
    return 0 if ratio >= LEAST else 1


if __name__ == "__main__":
    raise SystemExit(main())
