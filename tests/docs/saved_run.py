"""A run on disk that was red, for what is made of saved runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envparity.judge.finding import Finding
from envparity.report.saved import Saver, find_run
from tests.envparity.report.recorded import described, events_of, startup_run

__all__ = ["RedRun", "saved_red_run"]


@dataclass(frozen=True)
class RedRun:
    """The file, and what was found."""

    file: Path
    findings: tuple[Finding, ...]


def saved_red_run(folder: Path) -> RedRun:
    """A run in which startup failed everywhere."""
    run = startup_run()
    saver = Saver(described(), folder)
    for event in events_of(run.observations):
        saver.handle(event)
    saver.close()
    (file,) = folder.glob("*.ndjson")
    return RedRun(file, find_run(str(file), folder).verdict.findings)
