"""Which scenarios the tests of a session assert on."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest

from envparity.model.project import Project
from envparity.model.reach import plays

__all__ = ["chosen", "chosen_by_all"]


def chosen_by_all(project: Project, items: Iterable[pytest.Item]) -> tuple[str, ...]:
    """The scenarios that these tests assert on; none by name where one test does not say which: then it is all."""
    known = {scenario.name for scenario in project.backend.scenarios}
    needed: dict[str, None] = {}
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        marker = item.get_closest_marker("parity")
        if "scenario" in parameters:
            needed |= dict.fromkeys({parameters["scenario"]} & known)  # the test itself says that it is unknown
        elif marker is None or not (marker.args or marker.kwargs):
            return ()
        else:
            needed |= dict.fromkeys(chosen(project, marker))
    return tuple(needed)


def chosen(project: Project, marker: pytest.Mark) -> list[str]:
    """The names of the scenarios that a marker speaks of, in the order of the backend file; but for those that none
    of the environments can play, and those of a thorough run in any other that the marker does not name.
    """
    group: str | None = marker.kwargs.get("group")
    names, scenarios = project.environments, project.backend.scenarios
    deep = (
        scenario.thorough and not {scenario.name, scenario.name.partition("[")[0]} & {*marker.args}
        for scenario in scenarios
    )
    extent = [
        each_scenario for each_scenario, is_deep in zip(scenarios, deep, strict=True) if project.thorough or not is_deep
    ]
    playable = [scenario for scenario in extent if any(plays(project, name, scenario) for name in names)]
    of_group = [scenario.name for scenario in playable if group is None or scenario.group == group]
    if not marker.args:
        return of_group
    return [text for text in of_group if any(_matches(text, pattern) for pattern in marker.args)]


def _matches(name: str, pattern: str) -> bool:
    """The name itself, the name without the carrier in brackets, or a glob: as `--only` has it."""
    return pattern in (name, name.partition("[")[0]) or fnmatchcase(name, pattern)
