"""Servers that report their startup as frameworks do, booted in two environments: what failed is told by its name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envparity.judge.finding import Finding
from envparity.report.saved import read_run
from parity_tests.cases.conftest import single_cause
from tests.envparity.observe.reporting_server import WRONG

SERVER = Path(__file__).with_name("reporting_server.py")
RUN_S = 900.0
FIRST, SECOND = "spring.boot.application.starting", "spring.context.refresh"
BACKEND = """
name = "reporting"
websocket_path = "/ws"
[image]
dockerfile = "Dockerfile"
include = ["reporting_server.py"]
[process]
command = ["python3", "-m", "uvicorn", "reporting_server:app", "--port", "{{port}}"]
[health]
live = false
metrics = false
{health}
[report]
format = "{form}"
[[scenario]]
name = "echo"
steps = [
  {{ connect = "none" }},
  {{ send = {{ type = "hello" }} }},
  {{ expect = "hello" }},
  {{ close = 1000 }},
]
"""
DOCKERFILE = """
FROM debian:bookworm-slim
RUN apt-get update \\
    && apt-get install --yes --no-install-recommends python3-uvicorn python3-websockets \\
    && rm -rf /var/lib/apt/lists/*
COPY reporting_server.py /srv/
WORKDIR /srv
USER 10001
CMD ["python3", "-m", "uvicorn", "reporting_server:app", "--host", "0.0.0.0", "--port", "8000"]
"""
ENVIRONMENT = """
name = "{name}"
{baseline}
[settings]
FORM = "{form}"
DATABASE = "{database}"
STEPS = "{steps}"
"""
DECLARED = '[[differences]]\npath = "fingerprints.*"\nreason = "it is tried"\n'


def verdict(
    folder: Path,
    form: str,
    *,
    database: str = "up",
    steps: str = FIRST,
    health: str = "",
    launcher: str = "process",
) -> tuple[Finding, ...]:
    """Of a server that is well where it is developed; what staging has is given."""
    shutil.copy(SERVER, folder)
    (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    backend = BACKEND.format(form=form, health=health)
    (folder / "backend.toml").write_text(backend, encoding="utf-8")
    (folder / "environments").mkdir()
    for name, baseline, said, done in (("local", "baseline = true", "up", FIRST), ("staging", "", database, steps)):
        text = ENVIRONMENT.format(name=name, baseline=baseline, form=form, database=said, steps=done)
        declared = DECLARED if name == "staging" and (said, done) != ("up", FIRST) else ""
        (folder / "environments" / f"{name}.toml").write_text(text + declared, encoding="utf-8")
    command = [sys.executable, "-m", "envparity", "run", "--plain", "--launcher", launcher, "--runs", "runs"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    (file,) = (folder / "runs").glob("*.ndjson")
    return tuple(finding for finding in read_run(file).verdict.findings if not finding.under)


FORMS = ("spring-boot", "dotnet", "health+json")
BOTH = [
    *(pytest.param(form, "process", marks=pytest.mark.processes, id=f"{form}-process") for form in FORMS),
    pytest.param("health+json", "container", marks=pytest.mark.docker, id="health+json-container"),
]
"""Each form as processes; how a report is come by in containers is the same for all of them."""


@pytest.mark.parametrize(("form", "launcher"), BOTH)
def test_a_check_that_fails_in_staging_is_told_by_its_name(form: str, launcher: str, tmp_path: Path) -> None:
    """With its own words, and with the setting that makes the difference; as processes and in containers."""
    (finding,) = verdict(tmp_path, form, database="down", launcher=launcher)
    assert (finding.code, finding.where, finding.environments) == ("EP101", "db", ("staging",))
    assert any(WRONG in str(quoted) for quoted in finding.evidence)
    assert single_cause(finding) == "DATABASE=down"


@pytest.mark.parametrize(("form", "launcher"), BOTH)
def test_what_is_well_everywhere_is_clean(form: str, launcher: str, tmp_path: Path) -> None:
    """Numbers that differ in every boot are no difference."""
    assert verdict(tmp_path, form, launcher=launcher) == ()


@pytest.mark.processes
def test_a_step_of_a_startup_that_staging_alone_has_is_told_by_its_name(tmp_path: Path) -> None:
    """By `/actuator/startup`, which is there once the application has started."""
    findings = verdict(
        tmp_path,
        "spring-boot",
        steps=f"{FIRST},{SECOND}",
        health='startup = "/actuator/startup"\nready = "/actuator/health"',
    )
    assert findings
    assert all(finding.environments == ("staging",) for finding in findings)
    assert any(SECOND in f"{finding.where} {finding.expected} {finding.got}" for finding in findings)
