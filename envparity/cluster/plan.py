"""Which cases a run boots and how long each took before, and which of them is whose where there are several shards."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from envparity.engine.plan import plan
from envparity.engine.session.identity import Identity, identity_of
from envparity.errors import ConfigurationError, Mistake
from envparity.model.project import Project
from envparity.report.saved import saved_runs
from envparity.report.saved_project import SavedProject
from envparity.support.reading import opened

__all__ = ["CaseOfPlan", "CasesPlan", "made_plan", "read_plan", "shares"]

_FIRST_LINE = SavedProject.__struct_config__.tag  # of a saved run
_FORMAT = 1
_LONGEST = 16 << 20
_DIGITS = 16


class CaseOfPlan(msgspec.Struct, frozen=True):
    """One case: its id, what it is in words, how many scenarios are played, and the seconds that it took last time."""

    id: str
    environment: str
    title: str
    scenarios: int
    seconds: float | None = None


class CasesPlan(msgspec.Struct, frozen=True):
    """The cases of one run, in the sequence in which it plans them. `plan` is equal where all but the seconds is."""

    plan: str
    backend: str
    envparity: str
    commit: str
    files: str
    only: tuple[str, ...]
    orders: int
    repeat: int
    thorough: bool
    cases: tuple[CaseOfPlan, ...]
    format: int = _FORMAT

    @property
    def identity(self) -> Identity:
        """What is booted: version, commit, files."""
        return Identity(self.envparity, self.commit, self.files)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all cases."""
        return tuple(case.id for case in self.cases)


def made_plan(project: Project, only: Sequence[str], orders: int, repeat: int, runs: Path | None = None) -> CasesPlan:
    """The plan of that project with these options; with the seconds that its cases took in the saved `runs`.

    Raises `ConfigurationError` for environments that are attached: they are looked at from one place.
    """
    if project.attached:
        got = ", ".join(project.attached)
        raise ConfigurationError([Mistake("--attach", 0, "shards", "environments that are booted", got, "")])
    took = {} if runs is None else _seconds(project.backend.name, orders, runs)
    cases = tuple(
        CaseOfPlan(case.case.id, case.case.environment, str(case.case), len(case.scenarios), took.get(case.case.id))
        for case in plan(project.backend, project.environments, only, orders=orders > 0, thorough=project.thorough)
    )
    identity = identity_of(project)
    ids = [case.id for case in cases]
    named = msgspec.json.encode([identity, project.backend.name, list(only), orders, repeat, project.thorough, ids])
    digest = hashlib.sha256(named).hexdigest()[:_DIGITS]
    return CasesPlan(
        digest, project.backend.name, identity.envparity, identity.commit, identity.files,
        tuple(only), orders, repeat, project.thorough, cases,
    )  # fmt: skip


def shares(cases: Iterable[CaseOfPlan], count: int) -> tuple[tuple[str, ...], ...]:
    """The ids of the cases of each of `count` shards: the longest first, each to that with the least to do so far.

    What never ran counts as much as the others in the middle; where nothing ever ran, cases count by their scenarios.
    """
    known = list(cases)
    took = [each_case.seconds for each_case in known if each_case.seconds is not None]
    middle = statistics.median(took) if took else None
    weights = {
        each_case.id: each_case.seconds
        if each_case.seconds is not None
        else 1.0 + each_case.scenarios
        if middle is None
        else middle
        for each_case in known
    }
    loads = [0.0] * count
    own: list[list[str]] = [[] for _ in range(count)]
    for case in sorted(known, key=lambda value: -weights[value.id]):  # stable: equal ones as planned
        least = min(range(count), key=lambda index: (loads[index], len(own[index])))
        loads[least] += weights[case.id]
        own[least].append(case.id)
    return tuple(tuple(each_case.id for each_case in known if each_case.id in chosen) for chosen in own)


def read_plan(path: Path, here: CasesPlan) -> CasesPlan:
    """The plan in that file. Raises `ConfigurationError` where it is none, or not of what is `here`."""
    try:
        with opened(path) as file:
            read = msgspec.json.decode(file.whole(_LONGEST), type=CasesPlan)
    except (OSError, msgspec.DecodeError) as error:
        got = (error.strerror or "an error") if isinstance(error, OSError) else str(error)
        raise _mistaken(path, "what `envparity plan --json` printed", got) from error
    if read.format != _FORMAT:
        raise _mistaken(path, f"a plan of format {_FORMAT}", f"format {read.format}")
    mistakes = [
        Mistake("--plan", 0, str(path), f"{word} {own}", other or "none", "make the plan of the same tree")
        for word, own, other in here.identity.differences(read.identity)
    ]
    if mistakes:
        raise ConfigurationError(mistakes)
    if read.plan != here.plan or read.ids != here.ids:
        raise _mistaken(path, "a plan with the same options and environments", "one with others")
    return read


class _Line(msgspec.Struct):
    """As much of a line of a saved run as it takes to know how long a case took."""

    type: str
    case: str = ""
    duration_s: float = 0.0
    backend: str = ""
    orders: int = 0


def _seconds(backend: str, orders: int, runs: Path) -> dict[str, float]:
    """How long each case took when it ran last, in runs of that backend with as many orders."""
    decoder = msgspec.json.Decoder(_Line)
    took: dict[str, float] = {}
    for path in saved_runs(runs):
        try:
            lines = [decoder.decode(line) for line in path.read_bytes().splitlines()]
        except (OSError, msgspec.DecodeError):
            continue  # one that another version wrote, or that is being written
        if not any(
            each_line.type == _FIRST_LINE and (each_line.backend, each_line.orders) == (backend, orders)
            for each_line in lines
        ):
            continue
        for line in lines:
            if line.type == "CaseObserved":
                took.setdefault(line.case, line.duration_s)
    return took


def _mistaken(path: Path, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError([Mistake("--plan", 0, str(path), expected, got)])
