"""The declared differences of a run: which were used and for what, which cover nothing any more, which have expired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from envparity.judge.compare import Compared, Declared, Groups
from envparity.judge.compare_conversations import kept
from envparity.judge.finding import UsedDeclaration
from envparity.judge.startup_facts import started
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript

__all__ = ["Ledger", "ledger"]


@dataclass(frozen=True)
class Ledger:
    """`unused` is empty where the run was not whole: what was not seen cannot be said to be the same."""

    used: tuple[UsedDeclaration, ...]
    unused: tuple[Declared, ...]
    expired: tuple[tuple[Declared, tuple[str, ...]], ...]


def ledger(
    project: Project, observations: Sequence[Observation], groups: Groups, differences: Iterable[Compared]
) -> Ledger:
    """Hold every declaration of the project against every difference of the run; `groups` are what was compared."""
    used: dict[Declared, dict[str, None]] = {}
    expired: dict[Declared, dict[str, None]] = {}
    for difference in differences:
        for declared in difference.allowed:
            used.setdefault(declared, {})[difference.difference.path] = None
        for declared in difference.expired:
            expired.setdefault(declared, {})[difference.difference.path] = None
    every = [
        Declared(name, difference)
        for name, environment in project.environments.items()
        for difference in environment.differences
    ]
    judged = _Judged(project, observations, groups)
    return Ledger(
        used=tuple(
            UsedDeclaration(
                declaration.environment,
                declaration.declaration.path,
                declaration.declaration.reason,
                tuple(sorted(used[declaration])),
            )
            for declaration in every
            if declaration in used
        ),
        unused=tuple(
            declaration
            for declaration in every
            if declaration not in used and declaration not in expired and judged.could_be_used(declaration)
        ),
        expired=tuple(
            (declaration, tuple(sorted(expired[declaration]))) for declaration in every if declaration in expired
        ),
    )


class _Judged:
    """What this run was able to compare, environment by environment."""

    def __init__(self, project: Project, observations: Sequence[Observation], groups: Groups) -> None:
        self._project = project
        together = [observation for group in groups for observation in group if observation.case.boot.steady]
        self._compared = {observation.case.environment for observation in together}
        self._attached = {observation.case.environment for observation in together if observation.attached is not None}
        self._started = all(started(observation) for observation in together) and all(
            observation.launch_failure is None for observation in observations
        )
        self._given = all(observation.settings for observation in together)
        # a forbidden order is refused, and so are its clients: what order boots do says nothing here
        plain = [
            observation.transcripts
            for observation in observations
            if not observation.case.boot.order and not observation.case.boot.timeline
        ]
        self._spoke = all(kept(script) for transcripts in plain for script in transcripts)
        self._usual = {scenario.name for scenario in project.backend.scenarios if scenario.part == "usual"}
        self._of_orders = {scenario.name for scenario in project.backend.scenarios if scenario.part == "orders"}
        self._played = [{s.scenario for s in _transcripts(observations, name)} for name in self._compared]

    def could_be_used(self, declared: Declared) -> bool:
        """Whether a difference there would have been seen, had there been one.

        Environments that all declare it differ in it from one that this run leaves out.
        """
        path = declared.declaration.path
        root = path.partition(".")[0]
        # What is deployed may be another release: that it does not differ there says nothing of the next.
        seen = declared.environment in self._compared - self._attached and self._started
        if root != "report":
            seen = seen and self._given
        if root not in {"report", "fingerprints"}:
            seen = seen and self._spoke and all(self._wanted(path) <= played for played in self._played)
        others = self._compared - {declared.environment}
        return seen and not all(path in self._declared_by(name) for name in others)

    def _wanted(self, path: str) -> set[str]:
        """What must have been played: the usual scenarios, and those of order boots if the path means none other."""
        glob = (*path.split("."), "*")[1]
        meant = any(fnmatchcase(name, glob) for name in self._usual)
        return self._usual | {name for name in self._of_orders if fnmatchcase(name, glob) and not meant}

    def _declared_by(self, name: str) -> set[str]:
        environment = self._project.environments.get(name)
        return {difference.path for difference in environment.differences} if environment is not None else set()


def _transcripts(observations: Sequence[Observation], environment: str) -> Iterator[Transcript]:
    for observation in observations:
        if observation.case.environment == environment:
            yield from observation.transcripts
