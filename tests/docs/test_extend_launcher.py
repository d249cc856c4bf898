"""The launcher of docs/extend.md, from a distribution of its own: named, asked by the doctor, and booting."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from envparity.report.saved import newest_run
from tests.docs.extending import install_example
from tests.installed import run_with

SERVER = """
import asyncio, os, sys
from websockets.asyncio.server import serve

async def talk(connection):
    async for _ in connection:
        await connection.send('{"type": "order", "tea": "%s"}' % os.environ["TEA"])

async def main():
    async with serve(talk, "127.0.0.1", int(sys.argv[1])):
        await asyncio.Future()

asyncio.run(main())
"""
BACKEND = """
name = "kitchen"
websocket_path = "/"

[process]
command = ["@PYTHON@", "server.py", "{port}"]
include = ["server.py"]

[health]
live = false
ready = false
startup = false
metrics = false

[[scenario]]
name = "order"
steps = [{ connect = "none" }, { send = { type = "order" } }, { expect = "order" }, { close = 1000 }]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The distribution, and beside it files of a backend with another tea in each environment."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "server.py").write_text(textwrap.dedent(SERVER), encoding="utf-8")
    (tmp_path / "backend.toml").write_text(BACKEND.replace("@PYTHON@", sys.executable), encoding="utf-8")
    for name, tea in (("local", "green"), ("staging", "black")):
        text = f'name = "{name}"\n[settings]\nTEA = "{tea}"\n'
        (tmp_path / f"environments/{name}.toml").write_text(text, encoding="utf-8")
    return install_example(tmp_path / "site", "kitchen-bare")


def test_it_is_named_wherever_launchers_are(tmp_path: Path, site: Path) -> None:
    """In the usage, in pytest's, by the doctor, who says what keeps it from booting; and not where it is not there."""
    usage = " ".join(run_with(site, tmp_path, "envparity", "run", "--help").stdout.split())
    assert "--launcher [auto|container|process|attached|bare]" in usage
    in_pytest = run_with(site, tmp_path, "pytest", "--help", "-p", "no:cacheprovider").stdout
    assert "auto, container, process, attached, bare" in " ".join(in_pytest.split())
    doctor = " ".join(run_with(site, tmp_path, "envparity", "doctor").stdout.split())
    assert "kitchen-bare 1.0: bare (launchers)" in doctor
    assert "bare: it can boot these files" in doctor
    (tmp_path / "empty").mkdir()
    unknown = run_with(tmp_path / "empty", tmp_path, "envparity", "run", "--launcher", "bare")
    assert (unknown.returncode, "'bare' is not one of" in unknown.stderr) == (2, True)


@pytest.mark.processes
def test_a_verdict_of_what_it_boots(tmp_path: Path, site: Path) -> None:
    """Red for what differs, under its name, with what it cannot check; the saved run says where it came from."""
    ran = run_with(site, tmp_path, "envparity", "run", "--launcher", "bare", "--runs", "runs", "--no-causes")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    saved = newest_run(tmp_path / "runs")
    assert [(entry.name, entry.group) for entry in saved.project.installed] == [("bare", "envparity.launchers")]
    assert saved.verdict.launcher == "bare"
    assert len(saved.verdict.cannot_check) == 1
    assert {(finding.code, finding.scenario) for finding in saved.verdict.findings} == {("EP401", "order")}
