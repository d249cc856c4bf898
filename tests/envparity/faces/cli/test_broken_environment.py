"""A broken environments/staging.toml, through the real command: one message with everything, and no engine is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parents[4]


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """The repository's environments, staging with an unknown key, a wrong type, and a dependency that is missing."""
    folder = tmp_path / "environments"
    shutil.copytree(TREE / "environments", folder)
    staging = folder / "staging.toml"
    text = staging.read_text(encoding="utf-8")
    for right, wrong in (
        ("[platform]\n", "[platform]\nmemroy_mib = 512\n"),
        ("stop_grace_s = 10\n", 'stop_grace_s = "ten"\n'),
        ("[dependencies.redis]\n", "[dependencies.cache]\n"),
    ):
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    staging.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("face", [("-m", "envparity", "run"), ("-m", "pytest", "-q", "parity_tests/test_handshake.py")])
def test_a_broken_staging_file_is_one_message_and_nothing_starts(environments: Path, face: tuple[str, ...]) -> None:
    """All three mistakes by file, line and key, what to do, exit 2; without an engine, for none is needed to say so."""
    option = "--environments" if "envparity" in face else "--envparity-environments"
    done = subprocess.run(
        [sys.executable, *face, option, str(environments)],
        cwd=TREE,
        env=os.environ | {"DOCKER_HOST": "unix:///nowhere/docker.sock", "PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    message = done.stderr[done.stderr.index("envparity: ") :]
    assert message.startswith("envparity: 3 mistakes in the configuration; nothing was started\n")
    places = [line.strip().partition(": expected")[0] for line in message.splitlines()[1:4]]
    lines = (environments / "staging.toml").read_text(encoding="utf-8").splitlines()
    for key, text in (("platform.memroy_mib", "memroy_mib"), ("platform.stop_grace_s", 'stop_grace_s = "ten"')):
        number = next(index for index, line in enumerate(lines, 1) if line.startswith(text))
        assert any(place.endswith(f"staging.toml:{number}: {key}") for place in places), message
    assert any("settings.REDIS_URL.from" in place for place in places), message
    assert "memory_mib" in message, "the key that was meant"
    assert "no [dependencies.redis]" in message
    assert "CLEAN" not in done.stdout
