"""Which difference between two environments it is that fails: hybrids of the two are booted until one is left.

It costs boots, and is done only where something was found.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from envparity.engine.ends import Ends, ends_of
from envparity.engine.events import Emit
from envparity.engine.finer import taken_apart
from envparity.engine.hybrids import Hybrids
from envparity.engine.observer import Observer
from envparity.engine.oracle import Oracle, played_for
from envparity.engine.places import Places
from envparity.engine.ranking import ranked
from envparity.engine.rates import is_steady, rate, with_what_changes_it
from envparity.isolate import Isolated, Outcome, OutOfBoots, Trait, isolate
from envparity.judge import conduct, singles
from envparity.judge.cause import Cause, Chance, Everywhere, NotFound, Search, TraitsCause, WhyNotFound
from envparity.judge.finding import Finding, Judgement
from envparity.launch.port import Launcher
from envparity.model.subject import Subject
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

_SHOWN = 3
"""In how many boots that verify it a cause has shown the failure: in two, and in one that says that it is steady."""

_SPENT = {"out of boots", "out of time"}
_UNSTEADY = {"passing shows it", "not always"}


class CauseFinder:
    """Finds the cause of every finding that shows in one environment and not in another.

    A cause is named where it was verified. What could not be known within the budget is said in the evidence.
    """

    def __init__(
        self,
        subject: Subject,
        launcher: Launcher,
        observer: Observer,
        emit: Emit,
        *,
        places: Places | None = None,
        boots: int = CAUSE_BOOTS,
        seconds: float = CAUSE_S,
    ) -> None:
        self._subject = subject
        self._launcher = launcher
        self._observer = observer
        self._emit = emit
        self._places = places or Places()
        self._boots = boots
        self._seconds = seconds

    async def explain(self, judgement: Judgement, observations: Sequence[Observation]) -> Judgement:
        """The judgement, in which these findings have their causes. Boots nothing where there are none."""
        until_s = time.monotonic() + self._seconds
        findings = list(judgement.findings)
        looked_for = [at for at, finding in enumerate(findings) if _is_looked_for(finding)]
        by_rate = {at: one.cause for at, one in enumerate(findings) if isinstance(one.cause, Chance)}
        found = singles(self._subject, observations) if looked_for or by_rate else ()
        cases: dict[int, tuple[Ends, ...]] = {}
        for at in looked_for:
            finding = findings[at]
            if set(self._subject.environments) <= {*finding.environments}:
                # Of one environment alone nobody knows where else it shows.
                if len(self._subject.environments) > 1:
                    findings[at] = _with_cause(finding, Everywhere())
            elif candidates := ends_of(finding, found, observations, self._subject.environments):
                cases[at] = candidates
            elif seen := [name for name in finding.environments if name in self._subject.attached]:
                findings[at] = _with_cause(finding, NotFound("attached", environments=tuple(seen)))
            elif _elsewhere(finding, observations):
                findings[at] = _with_cause(finding, NotFound("nothing passes"))
        for at, cause in (await self._causes(cases, until_s)).items():
            findings[at] = _with_cause(findings[at], cause)
        for at, chance in by_rate.items():
            ends = ends_of(findings[at], found, observations, self._subject.environments)
            there = next((one for one in ends if one.failing.case.environment == chance.failing), None)
            if chance.rates == "differ" and there is not None:
                findings[at] = _with_cause(findings[at], await self._changed(chance, there, until_s))
        return msgspec.structs.replace(judgement, findings=tuple(findings))

    async def _causes(self, cases: Mapping[int, tuple[Ends, ...]], until_s: float) -> dict[int, Cause]:
        """The causes by the places of the findings. Where one of its members has none, the next is looked at.

        What shows between the same two boots shares the boots of their hybrids.
        """
        causes: dict[int, Cause] = {}
        by_chance = {at: candidates[0] for at, candidates in cases.items() if _is_by_chance(candidates[0])}
        unsteady = dict(by_chance)
        at_once = asyncio.Semaphore(_SEARCHES_AT_ONCE)

        async def search(group: Mapping[int, Ends]) -> None:
            scenarios = {name for case in group.values() for name in played_for(case.finding)}
            async with at_once, self._hybrids(next(iter(group.values())), scenarios) as hybrids:
                for at, case in group.items():
                    cause = await self._cause(case, hybrids, until_s) if hybrids.traits else None
                    if isinstance(cause, Chance):
                        by_chance[at] = unsteady[at] = case
                    elif cause is None or (isinstance(cause, NotFound) and cause.why in _UNSTEADY):
                        unsteady.setdefault(at, case)
                    if cause is not None and (at not in causes or isinstance(cause, TraitsCause)):
                        causes[at] = cause

        for turn in range(_MOST_MEMBERS):
            groups: dict[tuple[str, str, str], dict[int, Ends]] = defaultdict(dict)
            for at, candidates in cases.items():
                if turn < len(candidates) and at not in by_chance and _is_open(causes.get(at)):
                    groups[self._key(candidates[turn])][at] = candidates[turn]
            await together(*map(search, groups.values()))
        to_count = {at: case for at, case in unsteady.items() if not isinstance(causes.get(at), TraitsCause)}
        for at, counted in (await self._rates(to_count, set(by_chance), until_s)).items():
            if at not in causes or isinstance(counted, Chance):
                causes[at] = counted
        return causes

    def _key(self, case: Ends) -> tuple[str, str, str]:
        """What is equal where findings share their boots. A scenario that restarts something is played by itself."""
        disruptive = {one.name for one in self._subject.backend.scenarios if one.disruptive}
        alone = next((one for one in played_for(case.finding) if one in disruptive), "")
        return case.passing.case.id, case.failing.case.id, alone

    def _hybrids(self, case: Ends, scenarios: Iterable[str]) -> Hybrids:
        return Hybrids(
            self._subject,
            self._launcher,
            self._observer,
            self._places,
            passing=case.passing,
            failing=case.failing,
            scenarios=set(scenarios),
        )

    async def _cause(self, case: Ends, hybrids: Hybrids, until_s: float) -> Cause | None:
        """What makes the difference; None where it does not show once more, or nobody can say whether it does.

        Chance, not counted yet, where it showed in one play of a boot and not in the next.
        """
        oracle = Oracle(case.finding, case.beside, hybrids, until_s, self._emit)
        everything: frozenset[Trait] = frozenset(hybrids.traits)
        try:
            again, forks = await together(oracle.twice(everything), hybrids.can_fork(until_s))
        except OutOfBoots:
            return NotFound("out of time", seconds=self._seconds)
        if oracle.unsteady or again is not Outcome.SHOWS:
            return Chance(0, 0) if oracle.unsteady else None
        most, traits, searched = self._boots, hybrids.traits, 0
        if forks:
            cheap = [one for one in traits if hybrids.warm(frozenset({one}))]
            found = await isolate(
                traits, oracle.quick, verifies=oracle.cold, cheap=cheap, most=most, progress=oracle.tell
            )
        else:
            found = await isolate(traits, oracle.cold, most=most, progress=oracle.tell)
        if oracle.forks and not found.verified:
            # A fork is not the real thing: where fresh containers do not bear out what it said, they alone are asked.
            most, searched = most - found.boots - found.verifying, found.boots
            found = await isolate(traits, oracle.cold, most=most, progress=oracle.tell)
        searched += found.boots
        if not found.verified:
            return _cause(found, hybrids, oracle, (searched, oracle.asked - searched))
        try:
            steady = await is_steady(oracle, found.causes)
        except OutOfBoots:
            unsure = replace(found, verified=False, finished=False)
            return _cause(unsure, hybrids, oracle, (searched, oracle.asked - searched))
        if oracle.unsteady or not steady:
            return Chance(0, 0) if oracle.unsteady else None
        finer = await taken_apart(found, hybrids, oracle, lambda asked: asked.cold, self._boots)
        return None if finer.flaky else await self._named(found, finer, hybrids, oracle, searched)

    async def _named(
        self, found: Isolated[Trait], finer: Isolated[Trait], hybrids: Hybrids, oracle: Oracle, searched: int
    ) -> Cause:
        """The cause that was found and taken apart, with what it cost."""
        boots, verifying = finer.boots - found.boots, finer.verifying - found.verifying
        cost = searched + boots, oracle.asked - searched + verifying
        return _cause(finer, hybrids, oracle, cost, await oracle.unlike(found.causes))

    async def _changed(self, chance: Chance, case: Ends, until_s: float) -> Chance:
        """Rates that were counted already, with what changes them."""
        async with self._hybrids(case, {one.scenario for one in case.failing.transcripts}) as hybrids:
            oracle = Oracle(case.finding, case.beside, hybrids, until_s, self._emit)
            return await with_what_changes_it(chance, oracle, hybrids, self._boots)

    async def _rates(self, cases: Mapping[int, Ends], by_chance: Collection[int], until_s: float) -> dict[int, Cause]:
        """How often each shows, with all that was played beside it. Of the same two environments the boots are shared.

        `by_chance` are those of which it is known already that they do not show always.
        """
        counted: dict[int, Cause] = {}
        shared: dict[tuple[str, str], dict[int, Ends]] = defaultdict(dict)
        for at, case in cases.items():
            shared[case.passing.case.id, case.failing.case.id][at] = case
        for group in shared.values():
            beside = {played.scenario for case in group.values() for played in case.failing.transcripts}
            async with self._hybrids(next(iter(group.values())), beside) as hybrids:
                for at, case in group.items():
                    oracle = Oracle(case.finding, case.beside, hybrids, until_s, self._emit)
                    counted[at] = await rate(case.finding, oracle, hybrids, self._boots, by_chance=at in by_chance)
        return counted


def _is_by_chance(case: Ends) -> bool:
    """Whether the boot that shows it has shown that it does not do so always: one play did, and another did not."""
    played = [play for name in played_for(case.finding) for play in case.failing.plays(name)]
    return len({play.departure is None for play in played}) > 1


def _is_open(cause: Cause | None) -> bool:
    """Whether another member of the finding may have a cause: there is none yet, and boots are left."""
    return cause is None or (isinstance(cause, NotFound) and cause.why not in _SPENT)


def _is_looked_for(finding: Finding) -> bool:
    return finding.cause is None and conduct(finding).causes == "hybrids"


def _elsewhere(finding: Finding, observations: Sequence[Observation]) -> bool:
    """Whether another environment was booted in the way that shows it."""
    boots = {one.case.boot for one in observations if one.case.id in finding.cases}
    return any(one.case.boot in boots and one.case.environment not in finding.environments for one in observations)


def _cause(
    found: Isolated[Trait], hybrids: Hybrids, oracle: Oracle, cost: tuple[int, int], others: tuple[str, ...] = ()
) -> TraitsCause | NotFound:
    """What came of the search, with its `cost`: the boots that searched, and those that verify.

    `others` are paths of the finding that are not explained by it.
    """
    boots, verifying = cost
    search = Search(
        passing=hybrids.passing.name,
        failing=hybrids.failing.name,
        traits=len(hybrids.traits),
        boots=boots,
        verifying=verifying,
        warm=oracle.forks,
        shared=oracle.shared,
        heals=not found.monotone,
        not_stood_up=hybrids.not_stood_up,
        no_answer=oracle.no_answer,
    )
    if found.verified:
        told = ranked(found.causes, oracle.evidence, hybrids.failing)
        return TraitsCause(_texts(told), _SHOWN, search, others)
    if not found.causes:
        return NotFound("passing shows it", search=search)
    if found.flaky:
        return NotFound("not always", _texts(found.flaky), search=search)
    if not found.finished:
        return NotFound("out of boots", _texts(found.causes[:1]), search=search)
    if found.unresolved:
        why: WhyNotFound = "not taken apart" if found.passes_without else "cannot say"
        return NotFound(why, _texts(found.causes), search=search)
    return NotFound("not all of it", _texts(found.causes), search=search)


def _texts(alternatives: Iterable[Iterable[Trait]]) -> tuple[tuple[str, ...], ...]:
    """In the words of the files, as the verdict names them."""
    return tuple(tuple(map(str, one)) for one in alternatives)


def _with_cause(finding: Finding, cause: Cause) -> Finding:
    return msgspec.structs.replace(finding, cause=cause)
