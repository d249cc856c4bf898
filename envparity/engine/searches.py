"""Searches for causes between two boots: which traits make the difference, how often it shows, what changes that."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace

from envparity.engine.elsewhere import AskedSearch, Found
from envparity.engine.ends import Ends
from envparity.engine.events import Emit
from envparity.engine.fields import FieldSearch
from envparity.engine.foresight import Foresight
from envparity.engine.hybrids import Hybrids
from envparity.engine.observer import Observer
from envparity.engine.oracle import AnswersQuestions, Oracle, played_for
from envparity.engine.places import Places
from envparity.engine.ranking import ranked
from envparity.engine.rates import rate, with_what_changes_it
from envparity.engine.suspects import Suspects
from envparity.engine.trait_search import TraitSearch, found_by, shows_again
from envparity.isolate import Isolated, OutOfBoots, Trait
from envparity.isolate.trait_places import trait_places
from envparity.judge import conduct
from envparity.judge.cause import Cause, Chance, NotFound, Search, TraitsCause, WhyNotFound
from envparity.judge.finding import Finding
from envparity.judge.random_fields import without_random
from envparity.launch.port import Launcher
from envparity.model.project import Project
from envparity.support.together import together

__all__ = ["Searches"]


class Searches:
    """Makes each search that it is asked for with boots of hybrids, `boots` of them at most.

    `seconds` is what all searches of a run may take together: it is said where that is over.
    """

    def __init__(
        self,
        project: Project,
        launcher: Launcher,
        observer: Observer,
        emit: Emit,
        *,
        places: Places,
        boots: int,
        seconds: float,
    ) -> None:
        self._project = project
        self._launcher = launcher
        self._observer = observer
        self._emit = emit
        self._places = places
        self._boots = boots
        self._seconds = seconds
        self._suspects: defaultdict[tuple[str, str], Suspects] = defaultdict(Suspects)

    async def search(self, asked: AskedSearch) -> dict[int, Found]:
        """What is found, by the findings' places. All of them are looked for between the same two boots."""
        until_s = time.monotonic() + asked.seconds
        first = next(iter(asked.ends.values()))
        scenarios = {name for case in asked.ends.values() for name in self._played(asked, case)}
        found: dict[int, Found] = {}
        pairs = any(conduct(case.finding).of_boots for case in asked.ends.values())
        also = {conduct(case.finding).also for case in asked.ends.values()}
        if asked.kind != "traits":  # it is counted in what all of it was beside
            also |= {"returns", "origins"}
        async with self._hybrids(first, scenarios, pairs=pairs, also=also) as hybrids:
            for at, case in asked.ends.items():
                found[at] = Found(await self._of(asked, at, case, hybrids, until_s))
            for at, case in asked.ends.items():  # when each finding has had its turn
                cause = await self._with_fields(found[at].cause, case, hybrids, until_s)
                found[at] = Found(cause, Oracle(case.finding, case.beside, hybrids, until_s, self._emit).by_chance)
        return found

    @staticmethod
    def _played(asked: AskedSearch, case: Ends) -> tuple[str, ...]:
        """What is played: to see it at all; where it is counted or shows in all of it, what was beside it too."""
        if asked.kind == "traits" and not conduct(case.finding).of_all_played:
            return played_for(case.finding)
        return tuple(transcript.scenario for transcript in case.failing.transcripts)

    async def _of(self, asked: AskedSearch, at: int, case: Ends, hybrids: Hybrids, until_s: float) -> Cause | None:
        if asked.kind == "traits":
            return await self._cause_of_what_is_steady(case, hybrids, until_s) if hybrids.traits else None
        oracle = Oracle(case.finding, case.beside, hybrids, until_s, self._emit)
        if asked.kind == "changed" and asked.chance is not None:
            return await with_what_changes_it(asked.chance, oracle, hybrids, self._boots)
        return await rate(case.finding, oracle, hybrids, self._boots, by_chance=at in asked.by_chance)

    def _hybrids(self, case: Ends, scenarios: Iterable[str], *, pairs: bool, also: Collection[str]) -> Hybrids:
        return Hybrids(
            self._project,
            self._launcher,
            self._observer,
            self._places,
            passing=case.passing,
            failing=case.failing,
            scenarios=set(scenarios),
            pairs=pairs,
            also=also,
            suspects=self._suspects[case.passing.case.environment, case.failing.case.environment],
        )

    async def _cause_of_what_is_steady(self, case: Ends, hybrids: Hybrids, until_s: float) -> Cause | None:
        """The cause; of its other fields, where it prints one that further boots of the passing side have otherwise."""
        cause = await self._cause(case, hybrids, until_s)
        oracle = Oracle(case.finding, case.beside, hybrids, until_s, self._emit)
        steady = without_random(case.finding, oracle.by_chance)
        if isinstance(cause, TraitsCause) or steady is case.finding:
            return cause
        return await self._cause(replace(case, finding=steady), hybrids, until_s)

    async def _cause(self, case: Ends, hybrids: Hybrids, until_s: float) -> Cause | None:
        """What makes the difference; None where it does not show once more, or nobody can say whether it does.

        Chance, not counted yet, where it showed in one play of a boot and not in the next. What the search will
        probably ask for is booted ahead.
        """
        oracle = Oracle(case.finding, case.beside, hybrids, until_s, self._emit)
        forks: list[bool] = []
        played = played_for(case.finding)

        async def foreseen(asked: AnswersQuestions) -> None:
            if await shows_again(asked, hybrids, played):
                await found_by(asked, hybrids, oracle.evidence, self._boots, forks=any(forks))

        async with Foresight(hybrids, foreseen, oracle, until_s) as foresight:
            try:
                shows, can_fork = await together(shows_again(oracle, hybrids, played), hybrids.can_fork(until_s))
            except OutOfBoots:
                return NotFound("out of time", seconds=self._seconds)
            forks.append(can_fork)
            if not shows:
                return Chance(0, 0) if oracle.unsteady else None
            search = await found_by(oracle, hybrids, oracle.evidence, self._boots, forks=can_fork)
            return await self._named(search, hybrids, oracle, foresight)

    async def _with_fields(self, cause: Cause | None, case: Ends, hybrids: Hybrids, until_s: float) -> Cause | None:
        """The same with causes of the fields that it does not explain."""
        if not isinstance(cause, TraitsCause) or not cause.others:
            return cause

        def oracle_of(finding: Finding) -> Oracle:
            return Oracle(finding, case.beside, hybrids, until_s, self._emit)

        try:
            forks = await hybrids.can_fork(until_s)
        except OutOfBoots:
            return cause
        return await FieldSearch(case.finding, hybrids, oracle_of, forks, self._boots).beside(cause)

    async def _named(self, search: TraitSearch, hybrids: Hybrids, oracle: Oracle, foresight: Foresight) -> Cause | None:
        """The cause that was found and taken apart, with what it cost."""
        found, finer, searched = search.found, search.finer, search.searched
        if not found.verified or search.steady is None:
            unsure = replace(found, verified=False, finished=found.finished and search.steady is not None)
            return _cause(unsure, hybrids, oracle, (searched, oracle.asked - searched, foresight.needless))
        if not search.steady:
            return Chance(0, 0) if oracle.unsteady else None
        if finer.flaky:
            return None
        hybrids.suspects.name(finer.causes)
        boots, verifying = finer.boots - found.boots, finer.verifying - found.verifying
        cost = searched + boots, oracle.asked - searched + verifying, foresight.needless
        return _cause(finer, hybrids, oracle, cost, await oracle.unlike(found.causes), shown=search.shown)


def _cause(
    found: Isolated[Trait],
    hybrids: Hybrids,
    oracle: Oracle,
    cost: tuple[int, int, int],
    others: tuple[str, ...] = (),
    *,
    shown: int = 0,
) -> TraitsCause | NotFound:
    """What came of the search, with its `cost`: boots that searched, those that verify, and those that nobody needed.

    `others` are paths of the finding that are not explained by it; it was `shown` so often.
    """
    boots, verifying, needless = cost
    search = Search(
        passing=hybrids.passing.name,
        failing=hybrids.failing.name,
        traits=len(hybrids.traits),
        boots=boots,
        verifying=verifying,
        needless=needless,
        warm=oracle.forks,
        shared=oracle.shared,
        heals=not found.monotone,
        not_stood_up=hybrids.not_stood_up,
        no_answer=oracle.no_answer,
    )
    if found.verified:
        told = ranked(found.causes, oracle.evidence, hybrids.failing)
        places = trait_places((trait for way in told for trait in way), hybrids.passing, hybrids.failing)
        return TraitsCause(_texts(told), shown, search, others, places)
    if not found.causes:
        return NotFound("passing shows it", search=search)
    if found.flaky:
        return NotFound("not always", _texts(found.flaky), search=search)
    if not found.finished:
        return NotFound("out of boots", _texts(found.causes[:1]), search=search)
    if found.unresolved:
        why: WhyNotFound = "not taken apart" if found.passes_without else "cannot say"
        otherwise = oracle.otherwise(found.unresolved) if found.passes_without else ()
        return NotFound(why, _texts(found.causes), search=search, otherwise=otherwise)
    return NotFound("not all of it", _texts(found.causes), search=search)


def _texts(alternatives: Iterable[Iterable[Trait]]) -> tuple[tuple[str, ...], ...]:
    """In the words of the files, as the verdict names them."""
    return tuple(tuple(map(str, alternative)) for alternative in alternatives)
