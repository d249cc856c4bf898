"""Whether a hybrid shows a finding: three outcomes, read from what a boot of it showed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol, Self

from envparity.engine.events import Emit, Waiting
from envparity.engine.hybrids import Hybrids, HybridShown
from envparity.engine.play_counts import plays_showing
from envparity.isolate import Outcome, OutOfBoots, SearchProgress, Trait
from envparity.judge.cause import Otherwise, PlayCount
from envparity.judge.evidence import Evidence, ObservedDifference
from envparity.judge.finding import Finding
from envparity.judge.random_fields import random_fields
from envparity.judge.sameness import disguises, is_same_failure, masks
from envparity.launch.controls import WarmUnavailable

__all__ = ["AnswersQuestions", "CountedBoot", "Oracle", "in_the_way", "outcome_of", "played_for"]

_SAYING_NOTHING = 3
"""How often a boot is tried that is to be counted and cannot be stood up, or fails in another way."""


def played_for(finding: Finding) -> tuple[str, ...]:
    """What has to be played to see it again: the one to replay, where there is one."""
    return (finding.scenario,) if finding.scenario is not None else finding.scenarios[:1]


def outcome_of(finding: Finding, shown: HybridShown, beside: Collection[Finding]) -> Outcome:
    """What a boot says of a single finding. `beside` is what the failing boot showed too: that masks nothing."""
    if not shown.stood_up:
        return Outcome.UNKNOWN
    if any(is_same_failure(finding, each_finding) for each_finding in shown.findings):
        return Outcome.SHOWS
    if any(disguises(finding, each_finding) for each_finding in shown.findings):
        return Outcome.DISGUISED
    if not shown.played.issuperset(played_for(finding)):
        return Outcome.UNKNOWN
    return Outcome.UNKNOWN if in_the_way(finding, shown, beside) else Outcome.PASSES


def in_the_way(finding: Finding, shown: HybridShown, beside: Collection[Finding]) -> tuple[Finding, ...]:
    """What of that boot may have kept it from coming to where the finding shows."""
    played = played_for(finding)
    return tuple(
        each_finding
        for each_finding in shown.findings
        if masks(finding, each_finding, played) and not any(is_same_failure(each_finding, known) for known in beside)
    )


@dataclass(frozen=True)
class CountedBoot:
    """Whether a boot that is counted shows a finding, and in how many of its plays, where that is known."""

    shows: bool
    plays: PlayCount | None


class AnswersQuestions(Protocol):
    """Who answers the questions of a search: boots, or what is known and supposed of them."""

    unsteady: bool
    forks: int

    def of(self, hybrids: Hybrids) -> Self:
        """The same questions, of other hybrids."""
        ...

    def tell(self, progress: SearchProgress) -> None:
        """How far the search is."""

    def contradicted(self, causes: Iterable[Collection[Trait]]) -> bool:
        """Whether a cold boot that was made, asked for or not, shows it without these causes, or passes with one."""
        ...

    async def cold(self, traits: frozenset[Trait]) -> Outcome:
        """Of a boot of its own; asked again, of another one."""
        ...

    async def twice(self, traits: frozenset[Trait]) -> Outcome:
        """The same; what shows is played once more."""
        ...

    async def quick(self, traits: frozenset[Trait]) -> Outcome:
        """Of a fork where one can show that."""
        ...


class Oracle:
    """What hybrids say of one finding, from boots that other findings share.

    `asked` counts them, `shared` and `forks` those among them, `no_answer` those that came up and gave none.
    """

    def __init__(
        self, finding: Finding, beside: Iterable[Finding], hybrids: Hybrids, until_s: float, emit: Emit
    ) -> None:
        self._finding, self._beside, self._hybrids = finding, tuple(beside), hybrids
        self._until_s, self._emit = until_s, emit
        self._asked: Counter[tuple[frozenset[Trait], bool]] = Counter()
        self.asked = self.shared = self.forks = self.no_answer = 0
        self.unsteady = False
        self._doing = f"boot 1 to find {self._what}: does it show again?"

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What the finding has to show."""
        return self._finding.evidence

    def said(self, shown: HybridShown) -> Outcome:
        """What such a boot says of the finding."""
        return outcome_of(self._finding, shown, self._beside)

    def contradicted(self, causes: Iterable[Collection[Trait]]) -> bool:
        """Whether a cold boot that was made, asked for or not, shows it without these causes, or passes with one."""
        sets = [frozenset(cause) for cause in causes]
        against = {True: Outcome.PASSES, False: Outcome.SHOWS}  # by whether one of the causes is there
        return any(
            self.said(shown) is against[any(cause <= traits for cause in sets)]
            for traits, shown in self._hybrids.boots.all_come_to(cold=True)
        )

    @property
    def by_chance(self) -> tuple[ObservedDifference, ...]:
        """Where a boot of the passing environment differed from its first one, at the paths of the finding."""
        known = self._hybrids.boots.all_come_to(cold=True)
        again = (shown.findings for traits, shown in known if not traits)
        name = self._hybrids.base.name
        differences = (piece for found in again for piece in random_fields(self._finding, found, name))
        return tuple({piece.path: piece for piece in differences}.values())

    def otherwise(self, several: Iterable[Collection[Trait]]) -> tuple[Otherwise, ...]:
        """What was in the way in the boots of these sets of traits that gave no answer, as far as they were made."""
        told = []
        for traits in several:
            known = self._hybrids.boots
            boots = [*known.shown(frozenset(traits), warm=False), *known.shown(frozenset(traits), warm=True)]
            silent = next((shown for shown in boots if self.said(shown) is Outcome.UNKNOWN), None)
            if silent is not None:
                found = in_the_way(self._finding, silent, self._beside)
                about = (found[0].code, found[0].component or found[0].where) if found else ("", "")
                told.append(Otherwise(tuple(map(str, traits)), *about))
        return tuple(told)

    def of(self, hybrids: Hybrids) -> Self:
        """The same question, of other hybrids."""
        return type(self)(self._finding, self._beside, hybrids, self._until_s, self._emit)

    async def cold(self, traits: frozenset[Trait]) -> Outcome:
        """In fresh containers; asked again they are booted again."""
        return await self._outcome(traits, warm=False)

    async def twice(self, traits: frozenset[Trait]) -> Outcome:
        """The same; what shows is played once more, and it is `unsteady` where it does not show again in that boot."""
        return await self._outcome(traits, warm=False, twice=True)

    async def quick(self, traits: frozenset[Trait]) -> Outcome:
        """The same, of a fork where one can show that."""
        if self._hybrids.warm(traits):
            try:
                outcome = await self._outcome(traits, warm=True)
            except WarmUnavailable as reason:
                self._emit(Waiting("", f"cold boots, for there can be no warm ones: {reason}"))
            else:
                self.forks += 1
                return outcome
        return await self.cold(traits)

    async def counted(self, traits: frozenset[Trait]) -> CountedBoot:
        """Whether one more cold boot shows it, of those that say. Raises `OutOfBoots` where none does.

        What shows is played once more there, and it is `unsteady` where it does not show again in that boot.
        """
        for _ in range(_SAYING_NOTHING):
            shown = await self._boot(traits, warm=False, twice=True)
            outcome = self._noted(shown)
            if outcome is not Outcome.UNKNOWN:
                plays = plays_showing(self._finding, shown.plays, shows=outcome.fails)
                return CountedBoot(outcome.fails, plays)
        raise OutOfBoots

    async def unlike(self, causes: Iterable[Iterable[Trait]]) -> tuple[str, ...]:
        """The paths of the finding that differ with none of these causes, as their boots showed: they have others."""
        alike: set[str] = set()
        for cause in causes if self._finding.paths else ():
            shown = await self._hybrids.shown(frozenset(cause), 0, self._until_s)
            alike.update(
                path for finding in shown.findings if is_same_failure(self._finding, finding) for path in finding.paths
            )
        return tuple(path for path in self._finding.paths if path not in alike)

    def tell(self, progress: SearchProgress) -> None:
        """What to say of the next boot. A cause of several parts costs more than that: nobody knows how many."""
        left = f"{progress.left} to go where it is a single one"
        self._doing = f"boot {progress.boots + 2} to find {self._what}, {left}"

    async def _outcome(self, traits: frozenset[Trait], *, warm: bool, twice: bool = False) -> Outcome:
        return self._noted(await self._boot(traits, warm=warm, twice=twice))

    def _noted(self, shown: HybridShown) -> Outcome:
        """What that boot says of the finding, which is noted as far as it says something of the search."""
        outcome = self.said(shown)
        self.unsteady = self.unsteady or not shown.unlike.isdisjoint(played_for(self._finding))
        self.no_answer += shown.stood_up and outcome is Outcome.UNKNOWN
        return outcome

    async def _boot(self, traits: frozenset[Trait], *, warm: bool, twice: bool = False) -> HybridShown:
        nth = self._asked[traits, warm]
        self._asked[traits, warm] += 1
        self.asked += 1
        if self._hybrids.boots.knows(traits, nth, warm=warm):
            self.shared += 1
        else:
            self._emit(Waiting("", self._doing))
        return await self._hybrids.shown(traits, nth, self._until_s, warm=warm, twice=twice)

    @property
    def _what(self) -> str:
        return f"what makes {self._hybrids.failing.name} show {self._finding.code}"
