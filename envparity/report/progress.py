"""How far a run has come, kept from its events: what every progress display shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from envparity.engine.events import (
    CaseObserved,
    CaseStarted,
    Event,
    OrderBooted,
    OrdersPlanned,
    RunFinished,
    RunStarted,
    ScenarioPlayed,
    Waiting,
)

__all__ = ["CaseProgress", "Progress"]


@dataclass
class CaseProgress:
    """One case that is booting or being observed; `alone`: once more, with nothing beside it."""

    title: str
    environment: str
    scenarios: int
    waits_for: str = ""
    played: int = 0
    departed: int = 0
    alone: bool = False


@dataclass
class Progress:
    """The state that the events so far add up to. Cases leave `running` when they are observed."""

    environments: tuple[str, ...] = ()
    cases: int = 0
    left: int = 0
    waits_for: str = ""  # what the whole run waits for, such as an image
    running: dict[str, CaseProgress] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    observed: dict[str, int] = field(default_factory=dict)  # cases by environment
    departed: dict[str, int] = field(default_factory=dict)  # scenarios by environment

    def take(self, event: Event) -> None:
        """Move on by one event. Events of a case that never started are let pass."""
        match event:
            case RunStarted():
                self.environments, self.cases, self.left = event.environments, event.cases, event.cases
            case Waiting(case=""):
                self.waits_for = event.waited_for
            case Waiting():
                self._waits(event.case, event.waited_for)
            case CaseStarted():
                self._starts(event)
            case ScenarioPlayed():
                self._played(event)
            case OrdersPlanned():
                self._waits(event.case, f"{event.boots} boots in other orders")
            case OrderBooted():
                self._waits(event.case, f"{event.of - event.done} of {event.of} boots in other orders")
            case CaseObserved():
                self.left = event.left
                self.running.pop(event.case, None)
                environment = event.observation.case.environment
                self.observed[environment] = self.observed.get(environment, 0) + 1
            case RunFinished():
                self.running.clear()

    def title(self, case: str) -> str:
        """The case in words, as `CaseStarted` gave them."""
        return self.titles.get(case, case)

    def _starts(self, event: CaseStarted) -> None:
        """Begin to count a case; what its boot before has shown counts no more."""
        self.waits_for = ""
        self.titles[event.case] = event.title
        before = self.running.get(event.case)
        if before is not None:
            self.departed[event.environment] = self.departed.get(event.environment, 0) - before.departed
        alone = bool(event.doubted)
        self.running[event.case] = CaseProgress(event.title, event.environment, event.scenarios, alone=alone)

    def _waits(self, case: str, waited_for: str) -> None:
        if case in self.running:
            self.running[case].waits_for = waited_for

    def _played(self, event: ScenarioPlayed) -> None:
        case = self.running.get(event.case)
        if case is None:
            return
        case.played += 1
        case.waits_for = ""
        if event.departed:
            case.departed += 1
            self.departed[case.environment] = self.departed.get(case.environment, 0) + 1
