"""An image that is named and is not there: one sentence, and the exit code of what the machine lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.envparity.running import TREE

pytestmark = pytest.mark.docker

BACKEND = """
name = "idle"
[image]
name = "debian:bookworm-slim"
[health]
live = false
ready = false
startup = false
metrics = false
[report]
log_passed = "^started"
[[scenario]]
name = "talk"
steps = [{ connect = "none" }, { close = 1000 }]
"""
DEPENDENCIES = {
    "image": "port = 4222\n",
    "service": "",
    "postgres": "",
    "redis": "",
}


@pytest.mark.parametrize("kind", DEPENDENCIES)
def test_it_is_said_in_one_sentence(kind: str, tmp_path: Path) -> None:
    """Whatever kind names it; nothing is pulled."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    text = f'name = "local"\n[dependencies.it]\nkind = "{kind}"\nimage = "envparity-nowhere/none:1"\n'
    (tmp_path / "environments" / "local.toml").write_text(text + DEPENDENCIES[kind], encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "envparity", "run", "--plain", "--launcher", "container"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 3, ran.stdout + ran.stderr
    told = [line for line in ran.stderr.splitlines() if "envparity-nowhere/none:1" in line]
    assert len(told) == 1
    assert "Traceback" not in ran.stderr
