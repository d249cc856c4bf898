"""Which reports of a run are asked for, and where they go."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envparity.engine.session.engine import rules
from envparity.errors import ConfigurationError, Mistake, OutputFailed
from envparity.report.github import tell_github, wanted
from envparity.report.kinds import REPORTS, make_report
from envparity.report.private import write_private
from envparity.report.saved import SavedRun
from envparity.report.verdict import headline

__all__ = ["Outputs"]


@dataclass(frozen=True)
class Outputs:
    """The reports to write, by name, each with its file; and whether GitHub is told: "auto" (in a step of its
    Actions), "on" or "off".
    """

    reports: Mapping[str, Path] = field(default_factory=dict)
    github: str = "off"

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is asked for."""
        return tuple(self.reports.values())

    def check(self) -> None:
        """Refuse what could not be written in the end, before anything boots.

        Raises `ConfigurationError`, and `DoorFailed` for a report that cannot be loaded.
        """
        mistakes = [mistake for name, file in self.reports.items() for mistake in _unwritable(name, file)]
        if mistakes:
            raise ConfigurationError(mistakes)
        for name in self.reports:
            REPORTS.get(name).check()

    def write(self, run: SavedRun) -> None:
        """Write all of them. Raises `OutputFailed` for what cannot be written after all, and `DoorFailed`."""
        failures: list[str] = []
        for name, file in self.reports.items():
            made = make_report(name, run, rules())
            try:
                write_private(file, made)
            except OSError as error:
                failures.append(f"--{name} {file}: {error.strerror or error}")
        if wanted(self.github):
            try:
                tell_github(run)
            except OSError as error:
                failures.append(f"GitHub's annotations and summary: {error.strerror or error}")
        if failures:
            raise OutputFailed(failures, headline(run.verdict))


def _unwritable(name: str, file: Path) -> Iterator[Mistake]:
    folder = file.parent
    if not folder.is_dir():
        yield _mistake(name, file, f"there is no folder {folder}", "make the folder")
    elif file.is_dir():
        yield _mistake(name, file, "a folder", "name a file in it")
    elif not os.access(file if file.exists() else folder, os.W_OK):
        yield _mistake(name, file, "one that may not be written", "choose another")


def _mistake(name: str, file: Path, got: str, action: str = "") -> Mistake:
    return Mistake(f"--{name}", 0, str(file), "a file that can be written", got, action)
