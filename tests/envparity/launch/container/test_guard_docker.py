"""A run that is killed leaves no container and no network: its guard outlives it and removes them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import docker
import pytest

from envparity.launch.cleanup.labels import RUN

pytestmark = pytest.mark.docker
_GONE_WITHIN_S = 10.0

_OWNER = """
import sys, docker
from envparity.launch.container.guard import ContainerGuard
from envparity.launch.cleanup.labels import labels_for
from envparity.launch.cleanup.run_folder import RunFolder
folder = RunFolder.make(sys.argv[1])
guard = ContainerGuard(sys.argv[1], folder)
labels = labels_for(sys.argv[1], "guarded", str(folder.owner))
docker.from_env().networks.create(f"envparity-{sys.argv[1]}", labels=labels)
print("there", flush=True)
if sys.argv[2] == "done":
    guard.done()
sys.stdin.read()
"""


def _left(run_id: str) -> list[str]:
    client = docker.from_env()
    try:
        return [network["Name"] for network in client.api.networks(filters={"label": f"{RUN}={run_id}"})]
    finally:
        client.close()


@pytest.mark.parametrize("end", ["killed", "done"])
def test_what_a_killed_run_has_made_is_gone_within_ten_seconds(tmp_path: Path, end: str) -> None:
    """SIGKILL leaves the owner no time for anything. Who has said that it cleaned is believed."""
    run_id = f"guarded-{end}-{time.time_ns():x}"
    arguments = [sys.executable, "-c", _OWNER, run_id, end]
    own = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(arguments, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"there\n"
        assert _left(run_id)
        owner.kill()
    until = time.monotonic() + _GONE_WITHIN_S
    try:
        while _left(run_id) and time.monotonic() < until and end == "killed":
            time.sleep(0.1)
        assert bool(_left(run_id)) == (end == "done")
    finally:
        client = docker.from_env()
        client.networks.prune(filters={"label": f"{RUN}={run_id}"})
        client.close()
