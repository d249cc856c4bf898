"""The backend of somebody else, in docs/examples, in real containers: clean as it stands, red for what breaks it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker

TREE = Path(__file__).parents[2]
RUN_S = 900


@pytest.fixture
def teahouse(tmp_path: Path) -> Path:
    """A copy outside of the repository, as another team's would be."""
    return shutil.copytree(TREE / "docs" / "examples" / "teahouse", tmp_path / "teahouse")


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def replaced(path: Path, right: str, wrong: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong), encoding="utf-8")


def test_it_is_clean_by_the_suite_of_the_installed_package(teahouse: Path) -> None:
    """Nothing of the reference backend is needed: not its protocol, not its language, not its startup report."""
    done = run(teahouse, "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "envparity.suite")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CLEAN" in done.stdout
    assert "environments laptop, cloud" in done.stdout
    assert "TOKEN_AUDIENCE" in done.stdout


def test_rooms_that_live_in_one_process_are_red_with_two_replicas(teahouse: Path) -> None:
    """The classic: right on a laptop, where everybody is on the same replica."""
    local = "return (rooms.get(frame.room) || []).forEach((one) => one.send(said))"
    replaced(teahouse / "server.js", "return redis.publish('said', said)", local)
    done = run(teahouse, "envparity", "run", "--plain", "--only", "two_guests")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "RED: 1 finding" in done.stdout
    assert "seen in      cloud (not in laptop)" in done.stdout
    assert "cause        platform.replicas=2 alone" in done.stdout, done.stdout
    assert "replay       envparity run --environment cloud --only two_guests" in done.stdout


def test_a_certificate_that_nobody_trusts_is_red_with_the_failure_quoted(teahouse: Path) -> None:
    """The failure comes from a line of the log, and what the client was told beside it."""
    replaced(teahouse / "backend.toml", 'NODE_EXTRA_CA_CERTS = "/etc/envparity/tls/ca.crt"', 'UNUSED = "1"')
    done = run(teahouse, "envparity", "run", "--plain", "--no-causes", "--only", "conversation")
    assert done.returncode == 1, done.stdout + done.stderr
    said = " ".join(done.stdout.replace("|", " ").split())
    assert "EP101 startup validation failed: redis" in said
    assert "SELF_SIGNED_CERT_IN_CHAIN" in said
    assert "close 1013 startup_failed:redis" in said
    assert "seen in cloud (not in laptop)" in said
