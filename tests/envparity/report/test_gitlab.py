"""GitLab's Code Quality report as GitLab describes it, with fingerprints that outlive the run and lines that exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from envparity.judge import RULES
from envparity.report.gitlab import code_quality_json
from envparity.report.kinds import make_report
from envparity.report.places import fingerprint, places
from envparity.report.saved import SavedRun
from tests.envparity.report.recorded import HOSTILE, apart_run, clean_run, startup_run

TEXT = {"type": "string", "minLength": 1}
# Written from the words of GitLab's page about the format: a path neither absolute nor with `./` before it.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": TEXT,
            "check_name": TEXT,
            "fingerprint": TEXT,
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/|\.\./)."},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": False,
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def issues(run: SavedRun, root: Path | None = None) -> list[dict[str, Any]]:
    decoded: list[dict[str, Any]] = json.loads(code_quality_json(run, root))
    return decoded


def told_by_chance(run: SavedRun) -> SavedRun:
    return replace(run, verdict=replace(run.verdict, findings=(), by_chance=run.verdict.findings))


RUNS = {
    "clean": clean_run(),
    "hostile": startup_run(HOSTILE),
    "apart": apart_run(),
    "by chance": told_by_chance(apart_run()),
    "broken off": replace(apart_run(), verdict=replace(apart_run().verdict, broken_off=HOSTILE, planned=9)),
}


@pytest.mark.parametrize("name", RUNS)
def test_it_is_what_gitlab_describes(name: str) -> None:
    """Every property known, every required one there, no fingerprint twice."""
    run = RUNS[name]
    written = issues(run)
    Draft202012Validator(SCHEMA).validate(written)
    told = [*run.verdict.findings, *run.verdict.by_chance]
    assert [issue["check_name"] for issue in written if issue["severity"] != "blocker"] == [
        finding.code for finding in told
    ]
    assert len({issue["fingerprint"] for issue in written}) == len(written)
    assert any(issue["severity"] == "blocker" for issue in written) == bool(run.verdict.broken_off)
    assert {issue["severity"] for issue in issues(told_by_chance(run))} <= {"info", "blocker"}


def test_what_is_the_same_in_two_runs_has_the_same_fingerprint() -> None:
    first = startup_run()
    second = replace(first, verdict=replace(first.verdict, run_id="ffffffff", duration_s=1.0))
    assert [issue["fingerprint"] for issue in issues(first)] == [issue["fingerprint"] for issue in issues(second)]
    (finding, *_) = first.verdict.findings
    assert fingerprint(replace(finding, got="something else")) == fingerprint(finding)
    assert len({fingerprint(replace(finding, distinct=text)) for text in ("", "a", "b")}) == 3


@pytest.mark.parametrize("name", ["hostile", "apart"])
def test_paths_are_those_of_the_repository(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a job that works in a folder of it; the lines are those that every writer has."""
    run = RUNS[name]
    (tmp_path / "service").mkdir()
    monkeypatch.chdir(tmp_path / "service")
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    for made, finding in zip(json.loads(make_report("gitlab", run, RULES)), run.verdict.findings, strict=True):
        place = places(run.project, finding)[0]
        assert made["location"] == {"path": f"service/{place.file}", "lines": {"begin": max(1, place.line)}}
