"""Whole runs by processes, without a container engine: the same verdicts, and what they cannot say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envparity.launch.process.child import identity_of
from envparity.launch.process.programs import SERVER_USER, may_enter
from parity_tests.faults.catalogue import CATALOGUE, apply_to_copy
from tests.envparity.running import MOMENT_S, TREE, Running

pytestmark = pytest.mark.processes

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock", "ENVPARITY_LAUNCHER": "auto"}

PLAYED = (
    "conversation",
    "*_restarted",
    "rolling_restart",
    "seats_of_a_killed_replica",
    "clocks_apart",
    "redis_cut_off",
)
"""What a user's rights decide: servers and replicas that are started, stopped and cut off, and their clocks."""


def test_without_an_engine_the_clean_tree_is_clean(running: list[Running]) -> None:
    """All environments, all scenarios: the verdict says that it is of processes, why, and what they cannot check."""
    run = Running(TREE, "run", "--plain", env=NO_ENGINE)
    running.append(run)
    assert run.process.wait(MOMENT_S) == 0, str(run)
    said = " ".join(str(run).split())
    assert "CLEAN launcher process: no container engine answers at unix:///nowhere/docker.sock" in said
    for gap in ("the image", "the memory limit", "the read-only root", "the servers' own TLS", "the network"):
        assert gap in said.partition("not checked")[2].partition("environments")[0]
    assert run.children() == []
    assert run.files == []


def test_a_fault_is_found_as_in_containers(running: list[Running], tmp_path: Path) -> None:
    """F01, a manager that is made while the service is: EP101 where it is expected, in the environment asked for."""
    fault = next(fault for fault in CATALOGUE if fault.id == "F01")
    root = apply_to_copy(fault, tmp_path)
    run = Running(root, "run", "--plain", "--launcher", "process", "--environment", "local", env=NO_ENGINE)
    running.append(run)
    assert run.process.wait(MOMENT_S) == 1, str(run)
    assert f"\n{fault.code} " in str(run)


@pytest.mark.parametrize("who", ["ordinary", "ours"])
def test_whoever_runs_it_gets_the_same_verdict(tmp_path: Path, who: str) -> None:
    """With an interpreter that all may run, a tree and a cache of his own.

    For an ordinary user nothing runs as somebody else, and the verdict says so; for root replicas are the platform's
    user, and it does not.
    """
    root_s = os.geteuid() == 0 and who == "ours"
    user = SERVER_USER if os.geteuid() == 0 and who == "ordinary" else None
    folder = Path("/tmp") / f"ep-{os.getpid()}"  # noqa: S108  pytest's own folders let nobody pass
    folder.mkdir()
    try:
        root = folder / "tree"
        shutil.copytree(apply_to_copy(None, tmp_path), root)
        if user is not None:
            for own in (folder, *folder.rglob("*")):
                os.chown(own, user, user, follow_symlinks=False)
        code, output = _ended(
            [
                *(str(_interpreter(folder)), "-m", "envparity", "run", "--plain", "--environment", "local,production"),
                *(f"--only={name}" for name in PLAYED),
            ],
            root,
            {"PATH": os.defpath, "HOME": str(root), **NO_ENGINE},
            user,
        )
        assert code == 0, output
        assert ("the user (10001: " in " ".join(output.split())) is not root_s
        assert list((root / ".cache" / "envparity" / "clusters").iterdir())
    finally:
        shutil.rmtree(folder)


def _ended(command: list[str], folder: Path, env: dict[str, str], user: int | None) -> tuple[int | None, str]:
    """Its exit code, none where it took longer than a test waits, and all that it had printed by then."""
    with (folder / "said").open("w+", encoding="utf-8") as said:
        try:
            code = subprocess.run(
                command,
                cwd=folder,
                env=env | {"PYTHONUNBUFFERED": "1"},
                stdout=said,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=MOMENT_S,
                **identity_of(user),
            ).returncode
        except subprocess.TimeoutExpired:
            code = None
        return code, Path(said.name).read_text(encoding="utf-8")


def _interpreter(folder: Path) -> Path:
    """One that anybody may run, with all that is installed here, and envparity itself. Files are linked, not copied."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = (Path(sys.base_prefix) / "bin" / version, Path("/usr/bin") / version)
    base = next(candidate for candidate in candidates if candidate.is_file() and may_enter(candidate.parent))
    prefix = folder / "python"
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(prefix)], check=True, timeout=MOMENT_S)
    packages = prefix / "lib" / version / "site-packages"
    ignored = shutil.ignore_patterns("__editable__*", "*.pth")
    installed = Path(pytest.__file__).parents[1]
    shutil.copytree(installed, packages, copy_function=_link, ignore=ignored, dirs_exist_ok=True)
    shutil.copytree(TREE / "envparity", packages / "envparity", dirs_exist_ok=True)
    shutil.copytree(TREE / "docker", packages / "envparity" / "_docker", dirs_exist_ok=True)
    # redis asks for this package on the first patch releases of 3.11, and the interpreter here may be one of another.
    (packages / "async_timeout.py").write_text("from asyncio import timeout as timeout\n", encoding="utf-8")
    return prefix / "bin" / version


def _link(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(Path(source).resolve())
    except OSError:  # another file system
        shutil.copy2(source, target)
