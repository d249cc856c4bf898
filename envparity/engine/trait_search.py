"""The questions of one search for the traits that make a difference, in their sequence, whoever answers them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from envparity.engine.finer import came_with_the_ingress, has_a_whole_ingress, taken_apart
from envparity.engine.hybrids import Hybrids
from envparity.engine.oracle import AnswersQuestions
from envparity.engine.ranking import likely, weights
from envparity.engine.rates import is_steady, times_to_be_sure
from envparity.isolate import Expectation, Isolated, Outcome, OutOfBoots, Trait, isolate
from envparity.judge.evidence import Evidence

__all__ = ["TraitSearch", "found_by", "shows_again"]


@dataclass(frozen=True)
class TraitSearch:
    """What a search came to: what was `found`, and what that is `finer`, where the ingress was taken apart.

    `searched` boots did not verify. `steady` is None where no time was left to see that. `shown` is in how many boots
    that verify it a cause has shown the failure: in two, and in those that say that it is steady.
    """

    found: Isolated[Trait]
    finer: Isolated[Trait]
    searched: int
    steady: bool | None = False
    shown: int = 3


async def shows_again(asked: AnswersQuestions, hybrids: Hybrids, scenarios: Collection[str]) -> bool:
    """Whether the failing environment shows it once more, in each play of that boot.

    Two plays of `scenarios` are made there, unless the boot that showed it has made more than one, and each showed it.
    """
    seen_enough = scenarios and all(_shown_in_each_play(name, hybrids) for name in scenarios)
    ask = asked.cold if seen_enough else asked.twice
    again = await ask(frozenset(hybrids.traits))
    return again is Outcome.SHOWS and not asked.unsteady


async def found_by(
    asked: AnswersQuestions, hybrids: Hybrids, evidence: Sequence[Evidence], most: int, *, forks: bool
) -> TraitSearch:
    """What makes the difference, as fine as it gets, with at most `most` boots for each part of the search.

    It is steady where it shows always with that, and never without. What the evidence speaks of is asked about first.
    """
    traits = hybrids.traits

    expected, searched = _expected(hybrids, evidence), 0
    if forks:
        cheap = [trait for trait in traits if hybrids.warm(frozenset({trait}))]
        found = await isolate(
            traits,
            asked.quick,
            verifies=asked.cold,
            cheap=cheap,
            expected=expected,
            most=most,
            progress=asked.tell,
        )
    else:
        found = await isolate(traits, asked.cold, expected=expected, most=most, progress=asked.tell)
    if asked.forks and not found.verified:
        # A fork is not the real thing: where fresh containers do not bear out what it said, they alone are asked.
        most_cold, searched = most - found.boots - found.verifying, found.boots
        found = await isolate(traits, asked.cold, expected=expected, most=most_cold, progress=asked.tell)
    searched += found.boots
    if not found.verified:
        return TraitSearch(found, found, searched)
    finer = await taken_apart(found, hybrids, asked, lambda asked: asked.cold, most, expected=expected)
    contradicted = asked.contradicted(found.causes)
    if finer is not found and not contradicted:
        # What it was taken apart with are boots enough: in four it shows, and in three it does not (`is_steady`).
        return TraitSearch(found, finer, searched, steady=not asked.unsteady)
    times = times_to_be_sure(found.causes, contradicted=contradicted)
    try:
        steady = await is_steady(asked, traits, found.causes, times)
    except OutOfBoots:
        return TraitSearch(found, finer, searched, None)
    return TraitSearch(found, finer, searched, steady=steady and not asked.unsteady, shown=2 + times)


def _expected(hybrids: Hybrids, evidence: Sequence[Evidence]) -> Expectation[Trait]:
    """What evidence speaks of comes first, and weighs more; a whole ingress as much as all that came with it.

    Behind that comes what made the difference of other findings.
    """
    behind = hybrids.behind_an_ingress()
    all_traits = (*hybrids.traits, *(behind.traits if behind is not None else ()))
    spoken = weights(all_traits, evidence, hybrids.failing)

    def likely_of(several: Sequence[Trait]) -> tuple[Trait, ...]:
        spoken_of = likely(several, evidence, hybrids.failing)
        return tuple(dict.fromkeys((*spoken_of, *hybrids.suspects.among(several))))

    def weighs(trait: Trait) -> float:
        whole = behind is not None and has_a_whole_ingress((trait,))
        finer = came_with_the_ingress((trait,), behind.traits) if behind is not None and whole else (trait,)
        return sum(1 + spoken[part] for part in finer)

    return Expectation(likely_of, weighs)


def _shown_in_each_play(scenario: str, hybrids: Hybrids) -> bool:
    """Whether the failing boot has played it more than once, and no play kept to its script."""
    _, failing = hybrids.ends
    plays = [each for each in (*failing.transcripts, *failing.control) if each.scenario == scenario]
    return len(plays) > 1 and all(each.departure is not None for each in plays)
