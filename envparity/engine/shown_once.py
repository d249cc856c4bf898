"""What one boot alone has shown, and no other environment could: it is booted again before it is told.

Where another environment passes, the search for a cause sees whether it shows again. A restart that needs two replicas
may be played in one environment only: there is nothing to search between, and one boot is all that speaks of it. So it
is with what every environment has shown, each in some of its plays: a moment of the machine that all of them share, or
a promise that is broken every other time.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from envparity.engine.ends import Ends, alone_of, ends_of, shown_in, shown_in_some_plays
from envparity.engine.oracle import outcome_of
from envparity.engine.play_counts import in_all, plays_showing
from envparity.isolate import Outcome
from envparity.isolate.rates import BootsAlone
from envparity.judge import ContractRule, conduct, rule, singles
from envparity.judge.cause import Chance, PlayCount
from envparity.judge.finding import Finding, Judgement
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.support.together import together

__all__ = ["AGAIN_S", "counted_again"]

AGAIN_S = 300.0
"""How long one run may boot again what one of its boots alone has shown, in seconds, all together."""

_AT_ONCE = 2
_SAYING_NOTHING = 3
"""So many boots that give no answer, more than do, and nobody waits for one any longer."""

OnceMore = Callable[[Case, int], Awaitable[Observation]]
"""One more boot of that planned case, the `nth` (from 0)."""


async def counted_again(
    project: Project,
    judgement: Judgement,
    observations: Sequence[Observation],
    planned: Collection[Case],
    once_more: OnceMore,
    *,
    seconds: float = AGAIN_S,
) -> Judgement:
    """The judgement, in which what one boot alone has shown, and its further boots do not always, has its rate.

    One boot more is made of it. Shows it there, it is told as it is; else it is counted in boots of their own, for the
    one that made somebody ask says nothing of the rate. What some plays have shown in every environment, and one boot
    more of that with the most of them, is a promise that is broken at that rate. All that is asked of a case is asked
    of the same boots. Boots nothing where every finding is seen otherwise.
    """
    findings = list(judgement.findings)
    asked = [at for at, finding in enumerate(findings) if _is_open(finding, project)]
    in_plays = {at: chance for at, finding in enumerate(findings) if (chance := _chance_in_plays(finding)) is not None}
    bootable = {case for case in planned if case.environment not in project.attached}
    found = singles(project, observations) if asked or in_plays else ()
    groups: dict[Case, dict[int, tuple[Ends, ...]]] = defaultdict(dict)
    for at in asked:
        if ends_of(findings[at], found, observations, project.environments):
            continue
        ends = alone_of(findings[at], found, observations)
        cases = {end.failing.case for end in ends}
        if len(cases) == 1 and cases <= bootable:
            groups[ends[0].failing.case][at] = ends
    everywhere: dict[Case, dict[int, tuple[Ends, ...]]] = defaultdict(dict)
    for at, chance in in_plays.items():
        ends = alone_of(findings[at], found, observations)
        case = next((end.failing.case for end in ends if end.failing.case.environment == chance.failing), None)
        if case in bootable:
            everywhere[case][at] = tuple(end for end in ends if end.failing.case == case)
    until_s = time.monotonic() + seconds
    again = {
        case: _Again(project, observations, case, once_more, until_s) for case in dict.fromkeys((*groups, *everywhere))
    }
    for chances in await together(*(again[case].chances(group) for case, group in groups.items())):
        for at, chance in chances.items():
            findings[at] = msgspec.structs.replace(findings[at], cause=chance)
    for shown in await together(*(again[case].shown_again(group) for case, group in everywhere.items())):
        for at in shown:
            cause = msgspec.structs.replace(in_plays[at], again=True)
            findings[at] = msgspec.structs.replace(findings[at], cause=cause)
    return msgspec.structs.replace(judgement, findings=tuple(findings))


def _is_open(finding: Finding, project: Project) -> bool:
    """Whether nothing is known of why it shows, and not each of several environments has shown it."""
    everywhere = len(project.environments) > 1 and set(project.environments) <= {*finding.environments}
    return finding.cause is None and conduct(finding).causes == "hybrids" and not everywhere


def _chance_in_plays(finding: Finding) -> Chance | None:
    """How often a broken promise shows, where every environment has shown it, and none in all of its plays."""
    cause = finding.cause
    if isinstance(cause, Chance) and cause.noun == "plays" and cause.alike:
        return cause if isinstance(rule(finding.code), ContractRule) else None
    return None


@dataclass
class _Again:
    """Further boots of one case, shared by all findings that it alone has shown."""

    project: Project
    observations: Sequence[Observation]
    case: Case
    once_more: OnceMore
    until_s: float
    begun: int = 0
    shown: list[tuple[Observation, tuple[Finding, ...]]] = field(default_factory=list)

    async def chances(self, group: Mapping[int, tuple[Ends, ...]]) -> dict[int, Chance]:
        """How often those of the findings show that do not show always, by their places."""
        seldom = {at for at, ends in group.items() if any(map(shown_in_some_plays, ends))}
        counted: dict[int, BootsAlone] = {}
        try:
            if set(group) != seldom:
                await self._boot(1)
            after = len(self.shown)
            asked = {at: self._outcome(ends, 0) for at, ends in group.items() if after}
            seldom |= {at for at, outcome in asked.items() if outcome is Outcome.PASSES}
            unsure = {at for at, outcome in asked.items() if outcome is Outcome.UNKNOWN}
            counted = dict.fromkeys(sorted(seldom | unsure), BootsAlone())
            while left := [at for at, boots in counted.items() if not self._is_over(boots, after)]:
                await self._boot(_AT_ONCE)
                counted |= {at: self._counted(group[at], after) for at in left}
        except TimeoutError:
            pass
        return {
            at: Chance(
                boots.shown, boots.of, failing=self.case.environment, plays=self._plays(group[at], after, boots.of)
            )
            for at, boots in counted.items()
            if at in seldom or boots.shown < boots.of
        }

    async def shown_again(self, group: Mapping[int, tuple[Ends, ...]]) -> frozenset[int]:
        """Which of the findings the first boot more shows, by their places; none where no time is left for one."""
        try:
            if not self.shown:
                await self._boot(1)
        except TimeoutError:
            return frozenset()
        return frozenset(at for at, ends in group.items() if self._outcome(ends, 0) is Outcome.SHOWS)

    def _is_over(self, boots: BootsAlone, after: int) -> bool:
        made = len(self.shown) - after
        return boots.over or made - boots.of >= _SAYING_NOTHING + boots.of

    async def _boot(self, times: int) -> None:
        """So many boots more, at the same time. Raises `TimeoutError` where no time is left."""
        first, self.begun = self.begun, self.begun + times
        async with asyncio.timeout(self.until_s - time.monotonic()):
            boots = await together(*(self.once_more(self.case, first + nth) for nth in range(times)))
        others = [observation for observation in self.observations if observation.case != self.case]
        self.shown += ((observation, singles(self.project, (*others, observation))) for observation in boots)

    def _counted(self, ends: Sequence[Ends], after: int) -> BootsAlone:
        boots = BootsAlone()
        for nth in range(after, len(self.shown)):
            outcome = self._outcome(ends, nth)
            boots = boots if outcome is Outcome.UNKNOWN else boots.and_then(here=outcome.fails)
        return boots

    def _plays(self, ends: Sequence[Ends], after: int, of: int) -> PlayCount | None:
        """In how many plays of the `of` boots that were counted it shows, all that it was merged from together."""
        counts: list[PlayCount | None] = []
        numbers = [nth for nth in range(after, len(self.shown)) if self._outcome(ends, nth) is not Outcome.UNKNOWN]
        for nth in numbers[:of]:
            shown = shown_in(*self.shown[nth])
            for end in ends:
                shows = outcome_of(end.finding, shown, end.beside).fails
                counts.append(plays_showing(end.finding, shown.plays, shows=shows))
        return in_all(counts)

    def _outcome(self, ends: Sequence[Ends], nth: int) -> Outcome:
        """What that boot says of all that the finding was merged from: any of it is enough to show it."""
        shown = shown_in(*self.shown[nth])
        outcomes = {outcome_of(end.finding, shown, end.beside) for end in ends}
        if any(outcome.fails for outcome in outcomes):
            return Outcome.SHOWS
        return Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes else Outcome.PASSES
