"""No secret is in anything that a run prints, writes or keeps, however it travelled and however it was spelled."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from envparity.support.redaction import Redaction
from parity_tests.cases.conftest import RUN_S, CaseRun, RunCase

CASE = Path(__file__).parent / "secret_in_a_frame"

CANARIES = [
    canary.format(environment)
    for environment in ("local", "staging")
    for canary in ("canary/shared+of-{}", "canary-signing-key-of-{}-which-is-long-enough", "canary-password-of-{}")
]

IN_PYTEST = ["--envparity-backend", "backend.toml", "--envparity-environments", "environments"]
IN_PYTEST += ["--envparity-runs", "TMP/runs", "TMP/test_everything.py"]
FAILS = """
def test_everything(parity):
    observations = parity.observations()
    project = parity.project
    environments, backend, verdict = project.environments, project.backend, parity.verdict
    scenarios, transcripts = backend.scenarios, [one.transcripts for one in observations.values()]
    assert not observations
"""


def spellings(canary: str) -> set[str]:
    """The canary as it is and as it may travel."""
    in_base64 = base64.b64encode(f"user:{canary}".encode()).decode()
    return {canary, quote(canary, safe=""), canary.encode().hex(), in_base64[8:-4]}


def written(run: CaseRun, folder: Path) -> dict[str, str]:
    """Everything that the run printed or wrote, by what it is."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {"output": run.output} | {path.name: path.read_text(errors="replace") for path in files}


def leaked(texts: Mapping[str, str]) -> set[str]:
    """The names of the texts in which a canary is seen, however it is spelled."""
    return {name for name, text in texts.items() for canary in CANARIES for form in spellings(canary) if form in text}


def test_no_artefact_has_a_secret_in_it(run_case: RunCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terminal, HTML, JUnit, SARIF, GitHub's summary, events and saved run name it, and do not show it."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    outputs = ["--github", "on", "--html", "r.html", "--junit", "r.xml", "--sarif", "r.sarif", "--ndjson", "r.ndjson"]
    given = [str(tmp_path / argument) if argument.startswith("r.") else argument for argument in outputs]
    run = run_case("secret_in_a_frame", *given)
    texts = written(run, tmp_path)
    assert {"output", "summary.md", "r.html", "r.xml", "r.sarif", "r.ndjson"} < set(texts)
    assert leaked(texts) == set()
    assert "{setting:SHARED_TOKEN}" in texts["r.ndjson"]
    assert "<token:valid>" in texts["r.ndjson"]
    assert all("eyJ" not in text or name == "r.html" for name, text in texts.items())


FILES = ["--backend", "backend.toml", "--environments", "environments"]
COMMANDS = {
    "check": ["-m", "envparity", "check", "--backend", "backend.toml", "--environments", "environments"],
    "diff": [
        "-m",
        "envparity",
        "diff",
        "local",
        "staging",
        "--backend",
        "backend.toml",
        "--environments",
        "environments",
    ],
    "doctor": ["-m", "envparity", "doctor"],
    "pytest -l": ["-m", "pytest", "-l", "-p", "no:cacheprovider", "--envparity-launcher", "process", *IN_PYTEST],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_prints_a_secret(command: str, tmp_path: Path) -> None:
    """Whatever it looks at: files, the machine, the variables of a test that failed in the middle of a run."""
    (tmp_path / "test_everything.py").write_text(FAILS, encoding="utf-8")
    arguments = [argument.replace("TMP", str(tmp_path)) for argument in COMMANDS[command]]
    ended = asked(arguments)
    assert ended.returncode == (1 if command == "pytest -l" else 0), ended.stdout + ended.stderr
    assert leaked({"output": ended.stdout + ended.stderr}) == set()


def test_a_replay_prints_no_secret(run_case: RunCase, tmp_path: Path) -> None:
    """Neither is GitHub told one, nor is one in what a scenario's own boot is called."""
    run = run_case("secret_in_a_frame", "--github", "on", backend="broken.toml")
    assert run.findings
    runs = next(tmp_path.glob("runs-*"))
    ended = asked(["-m", "envparity", "replay", run.findings[0].id, "--runs", str(runs)])
    assert run.findings[0].id in ended.stdout + ended.stderr, ended.stdout + ended.stderr
    assert any("<secret 1 for SHARED_TOKEN>" in str(observation.case) for observation in run.saved.observations)
    texts = {"output": run.output, "replay": ended.stdout + ended.stderr, **written(run, tmp_path)}
    assert leaked(texts) == set()


def test_no_process_of_a_run_has_a_secret_on_its_command_line(tmp_path: Path) -> None:
    """Every user of the machine can list them."""
    given = [*FILES, "--launcher", "process", "--plain"]
    running = subprocess.Popen(
        [sys.executable, "-m", "envparity", "run", *given, "--runs", str(tmp_path / "runs")],
        cwd=CASE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    texts: dict[str, str] = {}
    try:
        deadline = time.monotonic() + RUN_S
        while running.poll() is None and time.monotonic() < deadline:
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):  # it has ended
                    text = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    texts[text] = text
            time.sleep(0.02)  # between two looks
    finally:
        running.kill()
        running.wait()
    assert any("server.py" in text for text in texts)
    assert leaked(texts) == set()


def asked(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """What a command prints in the folder of the case."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=CASE, env=os.environ | {"GITHUB_ACTIONS": ""}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=RUN_S, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("canary", CANARIES)
def test_the_search_finds_what_is_not_taken_out(canary: str) -> None:
    """Every spelling is one that the redaction of that secret takes away, and that is found without it."""
    in_base64 = base64.b64encode(f"user:{canary}".encode()).decode()
    text = " ".join([canary, quote(canary, safe=""), canary.encode().hex(), in_base64])
    redacted = Redaction([(canary, "{setting:CANARY}")]).text(text)
    assert all(form in Redaction().text(text) and form not in redacted for form in spellings(canary))
