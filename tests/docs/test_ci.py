"""The workflows and .ci/run: what they name exists, and they run what a developer runs."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from envparity.faces.cli.app import app
from tests.docs.pages import TREE

RUN = TREE / ".ci" / "run"
WORKFLOWS = [TREE / ".github" / "workflows" / name for name in ("ci.yml", "nightly.yml")]  # the others: test_gates
PYTHONS = ["3.11", "3.12", "3.13"]


def workflow(path: Path) -> dict[str, Any]:
    """A workflow as data; `on` is a boolean in YAML 1.1, which GitHub's is not."""
    read: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): value for key, value in read.items()}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in workflow(path)["jobs"].items():
            yield f"{path.name}: {name}", job


def tox_environments() -> set[str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(TREE / "tox.ini", encoding="utf-8")
    return {section.partition(":")[2] for section in parser.sections() if section.startswith("testenv:")}


def asked_for(command: str, matrix: dict[str, list[str]]) -> set[str]:
    """The tox environments that a call of .ci/run names, each value of the matrix filled in."""
    words = re.sub(r"\$\{\{\s*matrix\.(\w+)\s*\}\}", r"matrix:\1", command).split()[1:]
    named: set[str] = set()
    for word in words:
        kind, found, key = word.partition(":")
        named |= set(matrix[key]) if found and kind == "matrix" else {word}
    return named


@pytest.mark.parametrize(("name", "job"), list(jobs()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_job_has_a_deadline_and_runs_what_developers_run(name: str, job: dict[str, Any]) -> None:
    """Every job: a time limit, .ci/run among its steps, only environments that tox.ini has, versions of its actions."""
    assert job["timeout-minutes"] <= 180
    matrix = job.get("strategy", {}).get("matrix", {})
    calls = [step["run"] for step in job["steps"] if step.get("run", "").startswith(".ci/run")]
    assert len(calls) == 1, name
    assert asked_for(calls[0], matrix) <= tox_environments(), name
    assert matrix.get("python", PYTHONS) == PYTHONS
    assert all(re.search(r"@v\d+$", step["uses"]) for step in job["steps"] if "uses" in step)


def test_every_call_of_envparity_has_options_that_exist() -> None:
    """And is by the environment that .ci/run has made."""
    calls = [step["run"] for _, job in jobs() for step in job["steps"] if "bin/envparity" in step.get("run", "")]
    assert calls
    for call in calls:
        program, command, *arguments = shlex.split(call.partition(" > ")[0])
        assert program == ".tox/installed/bin/envparity"
        with app.commands[command].make_context(command, list(arguments)):
            pass


def test_what_is_uploaded_is_what_was_written() -> None:
    """An artifact of a path that no step writes would be missing without a word."""
    for name, job in jobs():
        uploads = [step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        written = " ".join(step.get("run", "") for step in job["steps"]) + " .hypothesis/"
        for path in " ".join(uploads).split():
            assert path in written, f"{name}: {path}"


def test_the_gate_asks_for_containers_by_name() -> None:
    """A gate without an engine fails, and does not check less: .ci/run and every later call say so."""
    script = RUN.read_text(encoding="utf-8")
    assert "export ENVPARITY_LAUNCHER=container" in script
    assert "was not judged by the container launcher" in script
    for name, job in jobs():
        for step in job["steps"]:
            if "bin/envparity run" in step.get("run", ""):
                assert (job.get("env", {}) | step.get("env", {})).get("ENVPARITY_LAUNCHER") == "container", name


def test_the_pythons_of_the_workflows_are_those_that_the_project_declares() -> None:
    """Neither more nor fewer."""
    text = (TREE / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r"Python :: (3\.\d+)", text) == PYTHONS


def test_ci_runs_every_environment_that_the_readme_promises() -> None:
    """Those that tox.ini has, but for what takes longer than a gate may: the nightly run, benchmarks, the soak."""
    found = re.search(r"^ENVIRONMENTS=\(([^)]*)\)$", RUN.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    slow = ("nightly", "properties", "false-alarms", "bench-", "soak-")
    longer = {environment for environment in tox_environments() if environment.startswith(slow)}
    assert set(found[1].split()) == tox_environments() - longer


@pytest.mark.parametrize("script", ["prepare", "run"])
def test_the_scripts_are_programs_that_bash_can_read(script: str) -> None:
    """Executable, and without a syntax error."""
    path = TREE / ".ci" / script
    assert os.access(path, os.X_OK)
    done = subprocess.run(["/bin/bash", "-n", str(path)], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
