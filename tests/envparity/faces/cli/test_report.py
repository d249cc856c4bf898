"""`envparity run` saves and reports; `envparity report` does so later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from envparity.judge.finding import Finding
from envparity.report.saved import read_run, saved_runs

Envparity = Callable[..., Result]
FINDING = Finding("EP101", "startup validation failed", "postgres", "pass", "fail", ("local",), ("local",))


def test_every_run_is_saved(envparity: Envparity, files: Path) -> None:
    """With what it was about; nobody has to ask for it."""
    envparity("run")
    (file,) = saved_runs(files / ".envparity/runs")
    saved = read_run(file)
    assert file.name == "0a1b2c3d.ndjson"
    assert [environment.file for environment in saved.project.environments] == [
        "environments/local.toml",
        "environments/staging.toml",
    ]
    assert saved.project.scenario("farewell") is not None


def test_run_writes_what_is_asked_for(envparity: Envparity, fake: Any, files: Path) -> None:
    """One file each, red as the verdict is; the verdict is printed all the same."""
    fake.findings = (FINDING,)
    result = envparity("run", "--html", "r.html", "--junit", "r.xml", "--sarif", "r.sarif", "--runs", "kept")
    assert result.exit_code == 1
    assert FINDING.id in result.stdout
    for name in ("r.html", "r.xml", "r.sarif"):
        assert FINDING.id in (files / name).read_text(encoding="utf-8")
    assert len(saved_runs(files / "kept")) == 1


def test_github_is_told_in_a_step_of_its_actions(
    envparity: Envparity, fake: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By itself there, when asked for elsewhere, and never when told not to."""
    fake.findings = (FINDING,)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    told = [("::error" in envparity("run", *options).stdout) for options in ((), ("--github", "on"))]
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    told += [("::error" in envparity("run", *options).stdout) for options in ((), ("--github", "off"))]
    assert told == [False, True, True, False]


@pytest.mark.parametrize("command", ["run", "report"])
@pytest.mark.parametrize("option", ["--html", "--junit", "--sarif"])
def test_a_file_that_cannot_be_written_is_2(envparity: Envparity, fake: Any, command: str, option: str) -> None:
    """Said before anything boots."""
    result = envparity(command, option, "nowhere/report")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{option}: nowhere/report: expected a file that can be written" in result.stderr
    assert fake.asked == []


def test_a_folder_for_runs_that_cannot_be_made_is_2(envparity: Envparity, fake: Any, files: Path) -> None:
    """Likewise."""
    (files / "file").touch()
    result = envparity("run", "--runs", "file/runs")
    assert result.exit_code == 2
    assert "--runs" in result.stderr
    assert fake.asked == []


def test_report_makes_them_from_the_newest_run_or_a_named_one(envparity: Envparity, fake: Any, files: Path) -> None:
    """Red or clean, making a report exits 0; without an option it is the verdict once more."""
    fake.findings = (FINDING,)
    envparity("run")
    made = envparity("report", "--html", "r.html", "--github")
    assert (made.exit_code, made.stderr) == (0, "run 0a1b2c3d, RED: 1 finding: wrote r.html\n")
    assert "::error" in made.stdout
    assert "<!doctype html>" in (files / "r.html").read_text(encoding="utf-8")
    for named in ((), ("0a1b",), (".envparity/runs/0a1b2c3d.ndjson",)):
        again = envparity("report", *named)
        assert (again.exit_code, again.stdout[:14]) == (0, "RED: 1 finding")


@pytest.mark.parametrize(
    ("named", "told"), [((), "no saved run"), (("ffff",), "none of that id"), (("x/y",), "No such file")]
)
def test_a_run_that_is_not_there_is_2(envparity: Envparity, named: tuple[str, ...], told: str) -> None:
    """One message, exit code 2."""
    result = envparity("report", *named)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
