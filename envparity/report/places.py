"""Where a finding stands in the files that describe what was tested, for writers that point there.

First the lines of its cause, in whichever file of the deployment that stands; then of the setting or the declared
difference in an environment's file, and of the scenario in the backend's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from envparity.judge.cause import TraitsCause
from envparity.judge.finding import Finding
from envparity.report.layout import printable
from envparity.report.saved import SavedEnvironment, SavedProject
from envparity.report.wording import cause_text

__all__ = ["FileLine", "fingerprint", "places", "sentence"]


class FileLine(NamedTuple):
    """A file, as the run knew it, and a 1-based line of it; 0 where only the file is known."""

    file: str
    line: int = 0


def places(project: SavedProject, finding: Finding) -> tuple[FileLine, ...]:
    """Where a finding belongs in the files that describe what was tested; there is always one."""
    found = list(_of_the_cause(finding))
    found += [place for name in finding.environments for place in _in_environment(project.environment(name), finding)]
    scenario = project.scenario(finding.scenario) if finding.scenario is not None else None
    if scenario is not None:
        found.append(FileLine(project.file, scenario.line))
    return tuple(dict.fromkeys(found)) or (FileLine(project.file),)


def _of_the_cause(finding: Finding) -> Iterator[FileLine]:
    """Where what makes it stands, in the files of the deployment that an environment extends."""
    if isinstance(finding.cause, TraitsCause):
        for place in finding.cause.places:
            yield FileLine(place.file, place.line)


def _in_environment(environment: SavedEnvironment | None, finding: Finding) -> Iterator[FileLine]:
    """The line of what the finding is about: a setting, a declared difference, a dependency; else the file."""
    if environment is None:
        return
    words = (f"settings.{finding.where}", f"differences.{finding.where}", f"dependencies.{finding.component}")
    elsewhere = next((environment.places[word] for word in words if word in environment.places), None)
    if elsewhere is not None:
        file, _, line = elsewhere.rpartition(":")
        yield FileLine(file, int(line))
        return
    yield FileLine(environment.file, next((environment.lines[word] for word in words if word in environment.lines), 0))


def fingerprint(finding: Finding) -> str:
    """What names the same defect in every run."""
    named = (*finding.identity, finding.distinct) if finding.distinct else finding.identity
    return hashlib.sha256("\0".join(named).encode()).hexdigest()[:32]


def sentence(finding: Finding) -> str:
    """What it is, where it shows, and why, in one line."""
    seen = ", ".join(finding.environments)
    text = f"{finding.title} ({seen}): expected {finding.expected}, got {finding.got}."
    if cause := cause_text(finding.cause):
        text += f" Cause: {cause}."
    return printable(text)
