"""A whole run where the machine gives out, or the backend never stops writing: its code, one sentence, nothing left."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.envparity.running import TREE

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

_MOST_MIB = 512
_BACKEND = f"""
name = "talker"
startup_refusal = false
[process]
command = ["{sys.executable}", "server.py"]
[health]
live = false
ready = false
startup = false
metrics = false
[[scenario]]
name = "hello"
steps = [{{ connect = "none" }}, {{ expect = "welcome" }}, {{ close = 1000 }}]
"""
_SERVER = """
import asyncio, json, os, sys
from websockets.asyncio.server import serve
async def greet(connection):
    await connection.send(json.dumps({"type": "welcome"}))
    await connection.wait_closed()
async def main():
    for _ in range(int(os.environ.get("MIB", "0"))):
        sys.stdout.write("a" * 1024 * 1024)
    sys.stdout.flush()
    async with serve(greet, "127.0.0.1", int(os.environ["PORT"])):
        await asyncio.get_running_loop().create_future()
asyncio.run(main())
"""
_SMALL = "mount -t tmpfs -o size=8k,mode=1777 tmpfs {place} && exec {command}"


class _Ended:
    def __init__(self, code: int, output: str, mib: float) -> None:
        self.code, self.output, self.mib = code, output, mib


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "environments").mkdir(parents=True)
    (tmp_path / "temporary").mkdir(mode=0o1777)
    (folder / "backend.toml").write_text(_BACKEND, encoding="utf-8")
    (folder / "server.py").write_text(_SERVER, encoding="utf-8")
    for name in ("near", "far"):
        (folder / "environments" / f"{name}.toml").write_text(f'name = "{name}"\n', encoding="utf-8")
    return folder


def _run(project: Path, line: str = "{command}", **environment: str) -> _Ended:
    """How `envparity run` ended in that line of shell, and the most memory that it or what it waited for had."""
    place = project.parent / "temporary"
    command = f"{shlex.quote(sys.executable)} -m envparity run --launcher process"
    with (project.parent / "output").open("w+b") as output:
        process = subprocess.Popen(
            ["/bin/bash", "-c", line.format(command=command, place=place)],
            cwd=project, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env=os.environ | {"TMPDIR": str(place), "PYTHONPATH": str(TREE)} | environment,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
    return _Ended(process.returncode, said, usage.ru_maxrss / 1024)


def _left(project: Path) -> list[str]:
    """What is left among the temporary files, beside the base folder of this user."""
    place = project.parent / "temporary"
    return [str(path) for path in place.rglob("*") if path.parent != place or not path.name.startswith("envparity-")]


def _one_sentence(ended: _Ended) -> bool:
    return ended.output.count("envparity: ") == 1 and "Traceback" not in ended.output and len(ended.output) < 2000


@pytest.mark.parametrize("descriptors", [6, 8, 10])
def test_a_run_without_descriptors_is_3_and_leaves_nothing(project: Path, descriptors: int) -> None:
    ended = _run(project, f"ulimit -n {descriptors}; exec {{command}}")
    assert ended.code == 3, ended.output
    assert _one_sentence(ended), ended.output
    assert _left(project) == []


def _can_mount() -> bool:
    return subprocess.run(["/usr/bin/unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _can_mount(), reason="this user can make no full folder")
def test_a_run_whose_temporary_folder_is_full_is_3(project: Path) -> None:
    ended = _run(project, f"exec unshare -m sh -c '{_SMALL}'")
    assert ended.code == 3, ended.output
    assert _one_sentence(ended), ended.output


@pytest.mark.parametrize("home", ["/dev/null", "/dev/null/nowhere", "/nowhere"])
def test_a_home_that_cannot_be_used_changes_no_verdict(project: Path, home: str) -> None:
    ended = _run(project, HOME=home, XDG_CACHE_HOME="", XDG_CONFIG_HOME="")
    assert ended.code == 0, ended.output
    assert _left(project) == []


def test_a_line_of_300_mib_is_read_in_bounded_memory(project: Path) -> None:
    for file in (project / "environments").iterdir():
        file.write_text(file.read_text(encoding="utf-8") + "[settings]\nMIB = 300\n", encoding="utf-8")
    ended = _run(project)
    assert ended.code == 0, ended.output
    assert ended.mib < _MOST_MIB
    assert _left(project) == []
