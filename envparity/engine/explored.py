"""What an exploration came to, as data: whoever only boots and judges loads nothing of what explores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from envparity.model.project import Project
from envparity.model.scenario import Scenario

__all__ = ["Explored", "with_scenarios"]


class Explored(msgspec.Struct, frozen=True):
    """What an exploration came to: what it found as scenarios, and what it did, in words."""

    scenarios: tuple[Scenario, ...] = ()
    said: str = ""

    def named_beside(self, only: Sequence[str]) -> tuple[str, ...]:
        """What is played of a run that is asked for these alone; () for everything."""
        return (*only, *(scenario.name for scenario in self.scenarios)) if only else ()


def with_scenarios(project: Project, scenarios: Sequence[Scenario]) -> Project:
    """That project, whose backend has these scenarios too."""
    backend = project.backend
    return replace(project, backend=msgspec.structs.replace(backend, scenarios=(*backend.scenarios, *scenarios)))
