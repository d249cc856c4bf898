"""A rule broken, as data: as a check saw it, and as a verdict tells it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from envparity.judge.cause import Cause
from envparity.judge.evidence import Evidence, ObservedDifference
from envparity.model.reach import LeftOut
from envparity.model.scenario import Scenario
from envparity.observe.image import ImageRecord

__all__ = [
    "Breach",
    "Finding",
    "Follow",
    "Judgement",
    "ObservedDifference",
    "Place",
    "UsedDeclaration",
    "Verdict",
]


class Place(msgspec.Struct, frozen=True):
    """Another place at which the same boots show the same, and what was got there."""

    where: str
    got: str


class Follow(msgspec.Struct, frozen=True):
    """A finding that only follows from another: of which rule, and what it was about."""

    code: str
    about: str  # component, scenario or place


@dataclass(frozen=True)
class Breach:
    """A rule broken, as a check saw it; which rule that is, attribution knows.

    `where` is a scenario, a component or a path, in the words of the files. `nature` is in what way it was broken, in
    few words that mean the same in every run: two breaches of one rule are the same failure only where it is equal.
    `raised` are the exceptions that were logged in those moments, some of which may be those of another conversation.
    `symptom` is what a client met, of a rule that one defect breaks in many scenarios, in words that are equal in all
    of them; empty where nothing can be said of what two scenarios have in common.
    `step` counts from 0. `paths` are those at which two observations differ, the one that is printed first.
    `environments` and `cases` are empty where one observation was read: then they are its own.
    """

    where: str
    expected: str
    got: str
    scenario: str | None = None
    component: str | None = None
    step: int | None = None
    nature: str = ""
    symptom: str = ""
    raised: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    action: str = ""  # empty: the rule's own
    scenarios: tuple[str, ...] = ()  # empty: the one scenario
    places: tuple[Place, ...] = ()
    environments: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """A rule broken: code, where, expected, got, and the cases that show it. Made of breaches, once, by attribution.

    Two findings are the same failure when `identity` is equal, whatever the incidental detail. `scenario` is the one
    to replay, `scenarios` are all that show it (or that failed only because of it).
    """

    code: str
    title: str
    where: str  # scenario, component or path, in the words of the files
    expected: str
    got: str
    environments: tuple[str, ...]
    cases: tuple[str, ...]  # Case.id
    scenario: str | None = None
    scenarios: tuple[str, ...] = ()
    component: str | None = None
    evidence: tuple[Evidence, ...] = ()
    action: str = ""
    cause: Cause | None = None
    replay: str = ""
    step: int | None = None  # of the scenario, from 0
    nature: str = ""  # Breach.nature
    symptom: str = ""  # Breach.symptom
    raised: tuple[str, ...] = ()  # Breach.raised
    paths: tuple[str, ...] = ()  # Breach.paths
    places: tuple[Place, ...] = ()  # where else the same boots show it
    follows: tuple[Follow, ...] = ()  # what only follows from it
    instead_of: Follow | None = None  # the finding that it would have been, had a fresh container shown it
    under: str = ""  # the id of the finding that has the same cause and stands for both; empty: it stands for itself
    distinct: str = ""  # what tells it from another finding of the same identity; empty where there is none

    @property
    def identity(self) -> tuple[str, str]:
        return (self.code, self.where)

    @property
    def id(self) -> str:
        """What people call it: the code and 4 hexadecimal digits of its identity, equal in every run: `EP101-3fa2`."""
        named = (*self.identity, self.distinct) if self.distinct else self.identity
        return f"{self.code}-{hashlib.sha256(chr(0).join(named).encode()).hexdigest()[:4]}"


class UsedDeclaration(msgspec.Struct, frozen=True):
    """A declared difference that this run used: which file declares it, the paths it covered, its reason."""

    environment: str
    path: str
    reason: str
    covered: tuple[str, ...]


class Judgement(msgspec.Struct, frozen=True):
    """What the rules found in a set of observations, merged over environments and sorted by code."""

    findings: tuple[Finding, ...]
    exemptions: tuple[UsedDeclaration, ...]
    rules: int


class Verdict(msgspec.Struct, frozen=True):
    """The end of a run, complete enough to be saved and reported by any writer."""

    run_id: str
    launcher: str
    cannot_check: tuple[str, ...]  # the guarantees that this launcher cannot give
    environments: tuple[str, ...]
    cases: int
    scenarios: int
    rules: int
    findings: tuple[Finding, ...]
    exemptions: tuple[UsedDeclaration, ...]
    duration_s: float
    attached: dict[str, str] = {}  # the environments that were not booted but observed where they run, and their URLs
    left_out: tuple[LeftOut, ...] = ()  # what was not played in them
    coverage: tuple[str, ...] = ()  # which orders were booted, an environment each; empty where none were asked for
    stalls: str = ""  # how busy the machine was meanwhile, in words
    unsteady: tuple[str, ...] = ()  # what came to a deadline in one boot and not in the same boot alone
    by_chance: tuple[Finding, ...] = ()  # what showed by chance, as often in one environment as in another: not red
    reason: str = ""  # why that launcher and not a better one; "" where it is the best, or was asked for
    notes: tuple[str, ...] = ()  # what the files name and nothing matched, a sentence each
    varying: tuple[str, ...] = ()  # what is not the same in all replicas or boots, and nobody says whether it ought to
    seconds: dict[str, float] = {}  # of `duration_s`, by what they went to, one after the other
    images: tuple[ImageRecord, ...] = ()  # what containers were made from; empty where there were none
    connections: dict[str, dict[str, int]] = {}  # the most at the same time, by environment and dependency
    explored: tuple[Scenario, ...] = ()  # what exploration found, as scenarios
    exploration: str = ""  # how far it went, and by which seed; empty where nothing was explored
    broken_off: str = ""  # what ended the run before all was seen; this is the verdict of what was seen until then
    planned: int = 0  # the cases that were to be booted, where it was broken off

    @property
    def clean(self) -> bool:
        """Never where the run was broken off: what was not seen is not known."""
        return not self.findings and not self.broken_off

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings, 3 where the machine has broken it off."""
        if self.broken_off:
            return 3
        return 0 if self.clean else 1
