"""How often something shows that does not show always, in either of two environments, and what changes that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection

import msgspec

from envparity.engine.finer import taken_apart
from envparity.engine.hybrids import Hybrids
from envparity.engine.oracle import AnswersQuestions, CountedBoot, Oracle, played_for
from envparity.engine.play_counts import in_all
from envparity.isolate import Expectation, Outcome, OutOfBoots, Trait, is_silent_without, isolate, parts_left
from envparity.isolate.rates import (
    ERROR,
    SEVERAL_ERROR,
    STRICT_ERROR,
    BootsOfOne,
    PairsOfBoots,
    Rates,
    Shows,
    times_more,
    without_innocents,
)
from envparity.isolate.trait_places import trait_places
from envparity.judge import ContractRule, rule
from envparity.judge.cause import Cause, Chance, NotFound, Search, TraitsCause
from envparity.judge.finding import Finding
from envparity.support.together import together

__all__ = ["is_steady", "rate", "times_to_be_sure", "with_what_changes_it"]


def times_to_be_sure(causes: Collection[Collection[Trait]], *, contradicted: bool) -> int:
    """How often more each of the causes is shown, and its absence, before it is named.

    A search asks with single boots, which know nothing of chance. It has seen the failure twice and its absence once,
    in boots that it had no reason to choose. With one more of each that is three times and twice, which chance explains
    in no more than a share of `ERROR` of all cases, at whatever rate it shows (`rates.told_by_chance`). A cause of
    several parts, of which one may be there only because a boot of the other was silent by chance, is asked about more
    often; and where another boot has `contradicted` the cause, so often that it is sure.
    """
    several = len(causes) > 1 or any(len(cause) > 1 for cause in causes)
    return times_more(STRICT_ERROR if contradicted else SEVERAL_ERROR if several else ERROR)


async def is_steady(
    oracle: AnswersQuestions, traits: Collection[Trait], causes: Collection[Collection[Trait]], times: int
) -> bool:
    """Whether it shows with each of the causes so many times more, and not without, nor without any part of one.

    Where a boot without a part fails otherwise, that part is needed if the failing environment, which has all the
    `traits`, passes without it.
    """
    with_it = [frozenset(cause) for cause in causes]
    parts = [*parts_left(causes, traits).items()]

    async def fails(cause: frozenset[Trait]) -> bool:
        return (await oracle.twice(cause)).fails

    borne_out = await together(
        *map(fails, times * with_it),
        *(is_silent_without(oracle.cold, part, rest) for part, rest in times * parts),
    )
    return all(borne_out) and not oracle.unsteady


async def with_what_changes_it(chance: Chance, oracle: Oracle, hybrids: Hybrids, most: int) -> Chance:
    """The rates that were counted in boots of the two environments, with what changes them, where that is found."""
    test = BootsOfOne.between(chance.shown, chance.of, chance.elsewhere, chance.of_elsewhere)
    try:
        changed_by, _ = await _changing(oracle, hybrids, test, most)
    except OutOfBoots:
        return chance
    return msgspec.structs.replace(chance, changed_by=changed_by)


async def rate(finding: Finding, oracle: Oracle, hybrids: Hybrids, most: int, *, by_chance: bool) -> Cause:
    """How often it shows in either environment, with all that was played beside it, and what changes that.

    Where the time is over, what was counted by then is told. What could not be stood up, or gave no answer, is not
    counted. The search for what changes it may take `most` sets of traits. `by_chance`: it is known not to show always.
    """
    everything: frozenset[Trait] = frozenset(hybrids.traits)
    pairs = PairsOfBoots()
    changed_by: tuple[str, ...] = ()
    times = 0
    counted: list[tuple[CountedBoot, CountedBoot]] = []
    try:
        while not pairs.over:
            here, there = await _pair(oracle, everything)
            counted.append((here, there))
            pairs = pairs.and_then(here=here.shows, there=there.shows)
        if pairs.rates is Rates.DIFFER:
            test = BootsOfOne.between(pairs.shown, pairs.of, pairs.elsewhere, pairs.of)
            changed_by, times = await _changing(oracle, hybrids, test, most)
    except OutOfBoots:
        pass
    search = Search(hybrids.passing.name, hybrids.failing.name, len(hybrids.traits), hybrids.booted)
    # What is another value in each boot differs always; a promise that is broken always is no chance.
    if pairs.always and isinstance(rule(finding.code), ContractRule):
        return NotFound("passing shows it", boots=pairs.of, search=search)
    if pairs.of and pairs.shown == pairs.of and not pairs.elsewhere and not (by_chance or oracle.unsteady):
        if changed_by:
            traits = (trait for trait in hybrids.traits if str(trait) in changed_by)
            places = trait_places(traits, hybrids.passing, hybrids.failing)
            return TraitsCause((changed_by,), shown=times, search=search, places=places)
        return NotFound("only beside others", scenarios=played_for(finding), boots=pairs.of, search=search)
    return Chance(
        pairs.shown,
        pairs.of,
        changed_by,
        pairs.elsewhere,
        pairs.of,
        pairs.rates.value,
        failing=hybrids.failing.name,
        passing=hybrids.passing.name,
        plays=in_all([here.plays for here, _ in counted]),
        plays_elsewhere=in_all([there.plays for _, there in counted]),
    )


async def _pair(oracle: Oracle, everything: frozenset[Trait]) -> tuple[CountedBoot, CountedBoot]:
    """A boot of either environment, at the same time; one after the other where nothing tells the two apart."""
    if not everything:
        return await oracle.counted(everything), await oracle.counted(everything)
    here, there = await together(oracle.counted(everything), oracle.counted(frozenset()))
    return here, there


async def _changing(oracle: Oracle, hybrids: Hybrids, test: BootsOfOne, most: int) -> tuple[tuple[str, ...], int]:
    """The traits with which it shows as often as in the failing environment, and without which as seldom as elsewhere.

    And how often it was shown with them. Nothing where nobody can say. Each set of traits is booted until a sequential
    test knows which of the two it is.
    """
    times: Counter[frozenset[Trait]] = Counter()

    async def asked(by: Oracle, traits: frozenset[Trait], counted: BootsOfOne) -> Shows:
        while not counted.over:
            counted = counted.and_then(here=(await by.counted(traits)).shows)
        times[traits] += counted.shown
        return counted.shows

    def by_rate(oracle: Oracle) -> Callable[[frozenset[Trait]], Awaitable[Outcome]]:
        async def at_which_rate(traits: frozenset[Trait]) -> Outcome:
            outcomes = {Shows.OFTEN: Outcome.SHOWS, Shows.SELDOM: Outcome.PASSES}
            return outcomes.get(await asked(oracle, traits, test), Outcome.UNKNOWN)

        return at_which_rate

    expected: Expectation[Trait] = Expectation(hybrids.suspects.among)
    found = await isolate(hybrids.traits, by_rate(oracle), expected=expected, most=most, progress=oracle.tell)
    if not found.verified:
        return (), 0
    finer = await taken_apart(found, hybrids, oracle, by_rate, most, expected=expected)
    behind = hybrids.behind_an_ingress()
    if finer is not found and not finer.flaky and behind is not None:
        found, oracle = finer, oracle.of(behind)
    cause = await without_innocents(found.causes[0], lambda traits: asked(oracle, traits, test.strict))
    hybrids.suspects.name([cause])
    return tuple(map(str, cause)), times[frozenset(cause)]
