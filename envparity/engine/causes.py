"""Which difference between two environments it is that fails: hybrids of the two are booted until one is left.

It costs boots, and is done only where something was found.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import msgspec

from envparity.engine.elsewhere import AskedSearch, Crew, Found
from envparity.engine.ends import Ends, ends_of, shown_in_some_plays
from envparity.engine.events import Emit, Waiting
from envparity.engine.observer import Observer
from envparity.engine.oracle import played_for
from envparity.engine.places import Places
from envparity.engine.searches import Searches
from envparity.judge import conduct, singles
from envparity.judge.cause import Cause, Chance, Everywhere, NotFound, TraitsCause
from envparity.judge.evidence import ObservedDifference
from envparity.judge.finding import Finding, Judgement
from envparity.judge.random_fields import with_random_fields, without_random
from envparity.launch.port import Launcher
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.support.together import together

__all__ = ["CAUSE_BOOTS", "CAUSE_S", "CauseFinder"]

CAUSE_BOOTS = 40
"""How many boots one search for a cause may cost."""

CAUSE_S = 600.0
"""How long the causes of one run may be looked for, in seconds, all together."""

_MOST_MEMBERS = 3
"""Of how many of the single findings that became one the cause is looked for, until one has a cause."""

_SEARCHES_AT_ONCE = 2
"""How many pairs of boots are searched between at the same time: what forks stand beside weighs as much as a boot."""

_SPENT = {"out of boots", "out of time"}
_UNSTEADY = {"passing shows it", "not always"}


class CauseFinder:
    """Finds the cause of every finding that shows in one environment and not in another.

    A cause is named where it was verified. What could not be known within the budget is said in the evidence.
    """

    def __init__(
        self,
        project: Project,
        launcher: Launcher,
        observer: Observer,
        emit: Emit,
        *,
        places: Places | None = None,
        crew: Crew | None = None,
        boots: int = CAUSE_BOOTS,
        seconds: float = CAUSE_S,
    ) -> None:
        self._project = project
        self._emit = emit
        self._crew = crew
        self._seconds = seconds
        self._findings: list[Finding] = []
        self._random: dict[int, tuple[ObservedDifference, ...]] = {}
        self._searches = Searches(
            project, launcher, observer, emit, places=places or Places(), boots=boots, seconds=seconds
        )

    async def search(self, asked: AskedSearch) -> dict[int, Found]:
        """What that search finds, with boots of this process's own."""
        return await self._searches.search(asked)

    @property
    def so_far(self) -> tuple[Finding, ...]:
        """The findings that are being explained, with the causes that are known by now; none before that began."""
        return tuple(self._findings)

    async def explain(self, judgement: Judgement, observations: Sequence[Observation]) -> Judgement:
        """The judgement, in which these findings have their causes. Boots nothing where there are none."""
        until_s = time.monotonic() + self._seconds
        findings = self._findings = list(judgement.findings)
        self._random.clear()
        looked_for = [at for at, finding in enumerate(findings) if _is_looked_for(finding)]
        by_rate = {
            at: each_finding.cause for at, each_finding in enumerate(findings) if isinstance(each_finding.cause, Chance)
        }
        found = singles(self._project, observations) if looked_for or by_rate else ()
        cases: dict[int, tuple[Ends, ...]] = {}
        for at in looked_for:
            finding = findings[at]
            if set(self._project.environments) <= {*finding.environments}:
                # Of one environment alone nobody knows where else it shows.
                if len(self._project.environments) > 1:
                    findings[at] = _with_cause(finding, Everywhere())
            elif candidates := ends_of(finding, found, observations, self._project.environments):
                cases[at] = candidates
            elif seen := [name for name in finding.environments if name in self._project.attached]:
                findings[at] = _with_cause(finding, NotFound("attached", environments=tuple(seen)))
            elif _elsewhere(finding, observations):
                findings[at] = _with_cause(finding, NotFound("nothing passes"))
        for at, cause in (await self._causes(cases, until_s)).items():
            findings[at] = _with_cause(findings[at], cause)
        for at, chance in by_rate.items():
            ends = ends_of(findings[at], found, observations, self._project.environments)
            there = next((end for end in ends if end.failing.case.environment == chance.failing), None)
            if chance.rates == "differ" and there is not None:
                asked = _asked("changed", {at: there}, until_s, chance=chance)
                findings[at] = _with_cause(findings[at], (await self._found(asked))[at].cause or chance)
        for at, differences in self._random.items():
            findings[at] = with_random_fields(findings[at], differences)
        return msgspec.structs.replace(judgement, findings=tuple(findings))

    async def _causes(self, cases: Mapping[int, tuple[Ends, ...]], until_s: float) -> dict[int, Cause]:
        """The causes by the places of the findings. Where one of its members has none, the next is looked at.

        What shows between the same two boots shares the boots of their hybrids.
        """
        causes: dict[int, Cause] = {}
        by_chance = {at: candidates[0] for at, candidates in cases.items() if shown_in_some_plays(candidates[0])}
        unsteady = dict(by_chance)
        at_once = asyncio.Semaphore(_SEARCHES_AT_ONCE if self._crew is None else max(len(cases), 1))

        async def search(group: Mapping[int, Ends]) -> None:
            async with at_once:
                found = await self._found(_asked("traits", group, until_s))
            for at, ends in group.items():
                case = replace(ends, finding=without_random(ends.finding, found[at].by_chance))
                cause = found[at].cause
                if isinstance(cause, Chance):
                    by_chance[at] = unsteady[at] = case
                elif cause is None or (isinstance(cause, NotFound) and cause.why in _UNSTEADY):
                    unsteady.setdefault(at, case)
                if cause is not None and (at not in causes or isinstance(cause, TraitsCause)):
                    causes[at] = cause
                if isinstance(cause, TraitsCause):
                    self._findings[at] = _with_cause(self._findings[at], cause)

        for turn in range(_MOST_MEMBERS):
            groups: dict[tuple[str, str, str], dict[int, Ends]] = defaultdict(dict)
            for at, candidates in cases.items():
                if turn < len(candidates) and at not in by_chance and _is_open(causes.get(at)):
                    groups[self._key(candidates[turn])][at] = candidates[turn]
            await together(*map(search, groups.values()))
        to_count = {at: case for at, case in unsteady.items() if not isinstance(causes.get(at), TraitsCause)}
        for at, counted in (await self._rates(to_count, set(by_chance), until_s)).items():
            if at not in causes or isinstance(counted, Chance | TraitsCause):
                causes[at] = counted
        return causes

    async def _rates(self, cases: Mapping[int, Ends], by_chance: Collection[int], until_s: float) -> dict[int, Cause]:
        """How often each shows, with all that was played beside it. Of the same two environments the boots are shared.

        `by_chance` are those of which it is known already that they do not show always.
        """
        counted: dict[int, Cause] = {}
        shared: dict[tuple[str, str], dict[int, Ends]] = defaultdict(dict)
        for at, case in cases.items():
            shared[case.passing.case.id, case.failing.case.id][at] = case
        for group in shared.values():
            asked = _asked("rates", group, until_s, by_chance=tuple(at for at in group if at in by_chance))
            found = await self._found(asked)
            counted |= {at: value.cause for at, value in found.items() if value.cause is not None}
        return counted

    async def _found(self, asked: AskedSearch) -> Mapping[int, Found]:
        if self._crew is None:
            found: Mapping[int, Found] = await self._searches.search(asked)
        else:
            codes = ", ".join(dict.fromkeys(end.finding.code for end in asked.ends.values()))
            self._emit(Waiting("", f"others to find what makes the difference ({codes})"))
            found = await self._crew.search(asked)
        self._random |= {at: value.by_chance for at, value in found.items() if value.by_chance}
        return found

    def _key(self, case: Ends) -> tuple[str, str, str]:
        """What is equal where findings share their boots. A scenario that restarts something is played by itself."""
        disruptive = {scenario.name for scenario in self._project.backend.scenarios if scenario.disruptive}
        alone = next((text for text in played_for(case.finding) if text in disruptive), "")
        return case.passing.case.id, case.failing.case.id, alone


def _asked(
    kind: Literal["traits", "rates", "changed"],
    ends: Mapping[int, Ends],
    until_s: float,
    *,
    by_chance: tuple[int, ...] = (),
    chance: Chance | None = None,
) -> AskedSearch:
    return AskedSearch(kind, dict(ends), max(0.0, until_s - time.monotonic()), by_chance, chance)


def _is_open(cause: Cause | None) -> bool:
    """Whether another member of the finding may have a cause: there is none yet, and boots are left."""
    return cause is None or (isinstance(cause, NotFound) and cause.why not in _SPENT)


def _is_looked_for(finding: Finding) -> bool:
    return finding.cause is None and conduct(finding).causes == "hybrids"


def _elsewhere(finding: Finding, observations: Sequence[Observation]) -> bool:
    """Whether another environment was booted in the way that shows it."""
    boots = {observation.case.boot for observation in observations if observation.case.id in finding.cases}
    return any(
        observation.case.boot in boots and observation.case.environment not in finding.environments
        for observation in observations
    )


def _with_cause(finding: Finding, cause: Cause) -> Finding:
    return msgspec.structs.replace(finding, cause=cause)
