"""What a report is, and the door by which reports come in: `envparity.reports`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from envparity.doors import Door, unforeseen
from envparity.errors import DoorFailed
from envparity.judge.rules import Rule
from envparity.report.saved import SavedRun

__all__ = ["REPORTS", "Report", "make_report"]


@dataclass(frozen=True)
class Report:
    """A kind of report: the help of its option, and what makes the file's bytes of a run and of all the rules.

    `check` raises `ConfigurationError` for what would keep it from being made, before anything boots.
    """

    help: str
    make: Callable[[SavedRun, Sequence[Rule]], bytes]
    check: Callable[[], None] = lambda: None


REPORTS: Final[Door[Report]] = Door(
    "envparity.reports", "a Report", lambda found: found if isinstance(found, Report) else None
)


def make_report(name: str, run: SavedRun, rules: Sequence[Rule]) -> bytes:
    """The report of that name. Raises `DoorFailed` where another distribution's fails, or makes no bytes."""
    entry = REPORTS.entries()[name]
    report = REPORTS.load(entry)
    with unforeseen(entry):
        made: object = report.make(run, rules)
    if not isinstance(made, bytes):
        raise DoorFailed(str(entry), f"it made {type(made).__name__}, not bytes")
    return made
