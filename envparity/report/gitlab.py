"""GitLab's Code Quality report: each defect at its line in a merge request, with a fingerprint that outlives the run.

Source: GitLab's "Code Quality report format". It has one place for each, relative to the repository.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from envparity.judge import conduct
from envparity.judge.entries import entries
from envparity.judge.finding import Finding
from envparity.report.kinds import Report
from envparity.report.layout import printable
from envparity.report.places import FileLine, fingerprint, places, sentence
from envparity.report.saved import SavedRun
from envparity.report.verdict import headline

__all__ = ["REPORT", "code_quality_json"]

_ROOT = "CI_PROJECT_DIR"  # where GitLab's runner has the repository


def code_quality_json(run: SavedRun, root: Path | None = None) -> bytes:
    """The run's findings in UTF-8. `root` is the repository's folder: the present folder where that is None."""
    found, by_chance = entries(run.verdict.findings), entries(run.verdict.by_chance)
    issues = [
        *_broken_off(run, root),
        *(_issue(run, entry.finding, "minor" if conduct(entry.finding).apart else "major", root) for entry in found),
        *(_issue(run, entry.finding, "info", root) for entry in by_chance),
    ]
    return msgspec.json.format(msgspec.json.encode(issues), indent=1) + b"\n"


def _broken_off(run: SavedRun, root: Path | None) -> Iterator[dict[str, object]]:
    """That what is not in this report may be there all the same."""
    if run.verdict.broken_off:
        text = f"{headline(run.verdict)}: {run.verdict.broken_off}"
        yield {
            "description": printable(text),
            "check_name": "envparity",
            "fingerprint": "0" * 32,
            "severity": "blocker",
            "location": _location(FileLine(run.project.file), root),
        }


def _issue(run: SavedRun, finding: Finding, severity: str, root: Path | None) -> dict[str, object]:
    return {
        "description": sentence(finding),
        "check_name": finding.code,
        "fingerprint": fingerprint(finding),
        "severity": severity,
        "location": _location(places(run.project, finding)[0], root),
    }


def _location(place: FileLine, root: Path | None) -> dict[str, object]:
    """The file as the repository has it; its first line where only the file is known, for there has to be one."""
    path = Path(place.file)
    whole = Path(os.path.normpath(Path.cwd() / path))
    if root is not None and whole.is_relative_to(root):
        path = whole.relative_to(root)
    return {"path": printable(path.as_posix()), "lines": {"begin": max(1, place.line)}}


def _report(run: SavedRun) -> bytes:
    said = os.environ.get(_ROOT)
    return code_quality_json(run, Path(said) if said else None)


REPORT = Report("Write GitLab's Code Quality report, as JSON.", lambda run, _rules: _report(run))
