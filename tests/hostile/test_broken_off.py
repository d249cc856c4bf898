"""A whole run that a signal ends in the middle of its search for causes: it is told and saved what it has found."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from envparity.report.saved import read_run, saved_runs
from tests.envparity.running import Running

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

BACKEND = f"""
name = "torn"
startup_refusal = false
[process]
command = ["{sys.executable}", "server.py"]
[health]
live = "/live"
ready = false
startup = false
metrics = false
[[scenario]]
name = "hello"
steps = [{{ connect = "none" }}, {{ close = 1000 }}]
"""
SERVER = """
import asyncio, os
from websockets.asyncio.server import serve
async def talk(connection):
    await connection.wait_closed()
def answer(connection, request):
    if request.path == "/live":
        return connection.respond(200, "{}")
    if os.environ["DOOR"] == "shut":
        return connection.respond(403, "")
async def main():
    async with serve(talk, "127.0.0.1", int(os.environ["PORT"]), process_request=answer):
        await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A backend that refuses in one of two environments, which differ in many settings."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    for name, door in (("near", "open"), ("far", "shut")):
        harmless = "".join(f'OTHER_{at} = "{name}"\n' for at in range(20))
        text = f'name = "{name}"\n[settings]\nDOOR = "{door}"\n{harmless}'
        (tmp_path / "environments" / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


STARTED = {
    "the command line": ("envparity", "run", "--plain", "--launcher", "process", "--html", "report.html"),
    "pytest": (
        *("pytest", "--pyargs", "envparity.suite", "-p", "no:cacheprovider", "--envparity-launcher", "process"),
        *("--envparity-causes", "--envparity-html", "report.html"),
    ),
}


@pytest.mark.parametrize("face", STARTED)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_search_for_causes_that_is_interrupted_keeps_its_findings(
    project: Path, running: list[Running], number: signal.Signals, face: str
) -> None:
    """To pytest an interrupted session is 2, as it always is."""
    module, *arguments = STARTED[face]
    run = Running(project, *arguments, module=module)
    running.append(run)
    run.until(r"boot [2-9] to find what makes far show")
    code = run.end(number)
    assert code == (2 if (face, number) == ("pytest", signal.SIGINT) else 128 + number), str(run)
    assert str(run).count("BROKEN OFF") == 1
    (saved,) = saved_runs(project / ".envparity" / "runs")
    verdict = read_run(saved).verdict
    assert number.name in verdict.broken_off
    assert (verdict.cases, verdict.planned) == (2, 2)
    assert {finding.environments for finding in verdict.findings if finding.scenario == "hello"} == {("far",)}
    assert (project / "report.html").exists()
    assert "Traceback" not in str(run)
    assert run.children() == []
    assert run.files == []
