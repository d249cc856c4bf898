"""A rule, and a rule broken, as data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from envparity.observe.record import Observation
from envparity.reach import LeftOut
from envparity.subject import Subject

__all__ = [
    "ContractRule",
    "Difference",
    "Exemption",
    "Finding",
    "Judgement",
    "ParityRule",
    "Rule",
    "Subject",
    "Verdict",
]


class Finding(msgspec.Struct, frozen=True):
    """A rule broken: code, where, expected, got, and the cases that show it.

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
    evidence: tuple[str, ...] = ()  # quoted lines: the startup failure, the frames, the log tail
    action: str = ""
    cause: str | None = None
    replay: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        return (self.code, self.where)

    @property
    def id(self) -> str:
        """What people call it: the code and 4 hexadecimal digits of its identity, equal in every run: `EP101-3fa2`."""
        return f"{self.code}-{hashlib.sha256(chr(0).join(self.identity).encode()).hexdigest()[:4]}"


class Exemption(msgspec.Struct, frozen=True):
    """A declared difference that this run used: which file declares it, the paths it covered, its reason."""

    environment: str
    path: str
    reason: str
    covered: tuple[str, ...]


class Difference(msgspec.Struct, frozen=True):
    """One path at which a normalised observation differs from the baseline's.

    `baseline` and `other` name the environments, `expected` and `got` are the values there as JSON, or `absent`.
    """

    path: str
    baseline: str
    other: str
    expected: str
    got: str


@dataclass(frozen=True)
class Rule:
    """What every rule says of itself. `code` never changes its meaning once released."""

    code: str
    title: str
    description: str
    action: str


@dataclass(frozen=True)
class ContractRule(Rule):
    """Reads one observation."""

    check: Callable[[Subject, Observation], Iterable[Finding]] = field(repr=False, default=lambda _s, _o: ())


@dataclass(frozen=True)
class ParityRule(Rule):
    """Compares several observations that differ in nothing but their environment."""

    check: Callable[[Subject, Sequence[Observation]], Iterable[Finding]] = field(repr=False, default=lambda _s, _o: ())


class Judgement(msgspec.Struct, frozen=True):
    """What the rules found in a set of observations, merged over environments and sorted by code."""

    findings: tuple[Finding, ...]
    exemptions: tuple[Exemption, ...]
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
    exemptions: tuple[Exemption, ...]
    duration_s: float
    attached: dict[str, str] = {}  # the environments that were not booted but observed where they run, and their URLs
    left_out: tuple[LeftOut, ...] = ()  # what was not played in them
    coverage: tuple[str, ...] = ()  # which orders were booted, an environment each; empty where none were asked for
    reason: str = ""  # why that launcher and not a better one; "" where it is the best, or was asked for

    @property
    def clean(self) -> bool:
        return not self.findings

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings."""
        return 0 if self.clean else 1
