"""Bombs in what an environment extends: one message, exit code 2, in bounded time and memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.envparity.running import TREE

MOST_MIB, MOST_S = 512, 240
BACKEND = 'name = "backend"\n[process]\ncommand = ["true"]\n[health]\nlive = "/live"\nready = false\nstartup = false\n'
WORKLOAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n"
LEVELS, TIMES = 12, 9


def aliases(indent: str = "") -> str:
    """A list of lists, each of nine of the one before: nine to the twelfth."""
    lines = [f"x{at}: &x{at} [{', '.join([f'*x{at - 1}' if at else 'x'] * TIMES)}]" for at in range(LEVELS)]
    return "".join(f"{indent}{line}\n" for line in lines)


def merges() -> str:
    """The same of tables that are merged."""
    lines = [f"x{at}: &x{at} {{<<: [{', '.join([f'*x{at - 1}'] * TIMES)}]}}" for at in range(1, LEVELS)]
    return "x0: &x0 {key: value}\n" + "".join(f"{line}\n" for line in lines)


def nested(opening: str, closing: str) -> str:
    return opening * 50_000 + "1" + closing * 50_000


SOURCES = {
    "aliases in compose": (
        "compose.yaml",
        f"{aliases()}services: {{api: {{image: x, environment: *x{LEVELS - 1}}}}}\n",
    ),
    "merges in compose": ("compose.yaml", f"{merges()}services: {{api: {{environment: {{<<: *x{LEVELS - 1}}}}}}}\n"),
    "nesting in compose": ("compose.yaml", f"services: {nested('[', ']')}\n"),
    "aliases in a cluster": ("api.yaml", f"{WORKLOAD}x:\n{aliases('  ')}spec: {{}}\n"),
    "merges in a cluster": ("api.yaml", f"{merges()}{WORKLOAD}spec: *x{LEVELS - 1}\n"),
    "nesting in a cluster": ("api.yaml", f"{WORKLOAD}spec: {nested('{a: ', '}')}\n"),
    "a long compose file": ("compose.yaml", "services: {api: {image: x}}\n" + "# more\n" * 700_000),
    "a long file of variables": (".env", "NAME=value\n" * 500_000),
}


def said(folder: Path, *arguments: str) -> tuple[int, str, float]:
    """The exit code, stderr, and the most memory of any child so far, in MiB."""
    command = [sys.executable, "-m", "envparity", *arguments]
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=MOST_S, env={"PYTHONPATH": str(TREE)}
    )
    return ended.returncode, ended.stderr, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


@pytest.mark.timeout(MOST_S)
@pytest.mark.parametrize("bomb", SOURCES)
def test_a_bomb_in_a_source_is_a_mistake_there(tmp_path: Path, bomb: str) -> None:
    name, text = SOURCES[bomb]
    (tmp_path / "environments").mkdir()
    (tmp_path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    (tmp_path / name).write_text(text, encoding="utf-8")
    part = "" if name == ".env" else "#api"
    extends = f'name = "here"\nextends = ["../{name}{part}"]\n'
    (tmp_path / "environments" / "here.toml").write_text(extends, encoding="utf-8")
    code, stderr, mib = said(tmp_path, "check")
    assert code == 2, stderr
    assert name in stderr
    assert len(stderr) < 2000
    assert "Traceback" not in stderr
    assert mib < MOST_MIB


@pytest.mark.timeout(MOST_S)
@pytest.mark.parametrize("bomb", [name for name in SOURCES if "cluster" not in name])
def test_init_reads_no_more_of_a_bomb_than_is_bounded(tmp_path: Path, bomb: str) -> None:
    """It proposes what else it finds, or says what it cannot know."""
    name, text = SOURCES[bomb]
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "Procfile").write_text("web: python -m backend --port $PORT\n", encoding="utf-8")
    code, stderr, mib = said(tmp_path, "init")
    assert code in {0, 2}, stderr
    assert "Traceback" not in stderr
    assert mib < MOST_MIB
