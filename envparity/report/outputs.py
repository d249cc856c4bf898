"""Which reports of a run are asked for, and where they go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envparity.errors import ConfigurationError, Mistake
from envparity.report.github import tell_github, wanted
from envparity.report.html import html_page
from envparity.report.junit import junit_xml
from envparity.report.sarif import sarif_json
from envparity.report.saved import SavedRun
from envparity.session.engine import rules

__all__ = ["Outputs"]


@dataclass(frozen=True)
class Outputs:
    """The files to write, and whether GitHub is told: "auto" (in a step of its Actions), "on" or "off"."""

    html: Path | None = None
    junit: Path | None = None
    sarif: Path | None = None
    github: str = "off"

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is asked for."""
        return tuple(one for one in (self.html, self.junit, self.sarif) if one is not None)

    def check(self) -> None:
        """Refuse what could not be written in the end, before anything boots. Raises `ConfigurationError`."""
        mistakes = [mistake for option, file in self._named() for mistake in _unwritable(option, file)]
        if mistakes:
            raise ConfigurationError(mistakes)

    def write(self, run: SavedRun) -> None:
        """Write all of them. Raises `ConfigurationError` where a file cannot be written after all."""
        for option, file in self._named():
            try:
                file.write_bytes(self._made(option, run))
            except OSError as error:
                raise ConfigurationError([_mistake(option, file, error.strerror or "an error")]) from error
        if wanted(self.github):
            tell_github(run)

    def _named(self) -> Iterator[tuple[str, Path]]:
        named = (("--html", self.html), ("--junit", self.junit), ("--sarif", self.sarif))
        yield from ((option, file) for option, file in named if file is not None)

    @staticmethod
    def _made(option: str, run: SavedRun) -> bytes:
        if option == "--html":
            return html_page(run, rules())
        return junit_xml(run) if option == "--junit" else sarif_json(run, rules())


def _unwritable(option: str, file: Path) -> Iterator[Mistake]:
    folder = file.parent
    if not folder.is_dir():
        yield _mistake(option, file, f"there is no folder {folder}", "make the folder")
    elif file.is_dir():
        yield _mistake(option, file, "a folder", "name a file in it")
    elif not os.access(file if file.exists() else folder, os.W_OK):
        yield _mistake(option, file, "one that may not be written", "choose another")


def _mistake(option: str, file: Path, got: str, action: str = "") -> Mistake:
    return Mistake(option, 0, str(file), "a file that can be written", got, action)
