"""Counted boots: what is taken for a difference of rates, how often wrongly, and after how many of them."""

from __future__ import annotations

import random
from functools import cache
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.isolate.rates import (
    ERROR,
    MOST_BOOTS,
    MOST_PAIRS,
    NOTHING_SEEN,
    SEVERAL_ERROR,
    STRICT_ERROR,
    BootsAlone,
    BootsOfOne,
    PairsOfBoots,
    Rates,
    Shows,
    boots_to_see,
    shows_more_often,
    times_more,
    told_by_chance,
    without_innocents,
)


def ends(here: float, there: float) -> dict[Rates, float]:
    """How likely each end of the test is, exactly, where these are the rates."""

    @cache
    def go_on(pairs: PairsOfBoots) -> dict[Rates, float]:
        if pairs.over:
            return {pairs.rates: 1.0}
        shares = dict.fromkeys(Rates, 0.0)
        for shows in (False, True):
            for elsewhere in (False, True):
                likely = (here if shows else 1 - here) * (there if elsewhere else 1 - there)
                if likely:
                    for end, share in go_on(pairs.and_then(here=shows, there=elsewhere)).items():
                        shares[end] += likely * share
        return shares

    return dict.fromkeys(Rates, 0.0) | go_on(PairsOfBoots())


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.0])
def test_equal_rates_are_taken_for_different_ones_no_more_often_than_that(rate: float) -> None:
    assert ends(rate, rate)[Rates.DIFFER] <= ERROR


@pytest.mark.parametrize(("here", "there"), [(1.0, 0.0), (0.9, 0.1), (0.5, 0.0), (1.0, 0.5), (0.75, 0.25), (0.9, 0.4)])
def test_rates_that_are_half_apart_are_taken_for_equal_ones_no_more_often_than_that(here: float, there: float) -> None:
    assert ends(here, there)[Rates.SAME] <= ERROR


@pytest.mark.parametrize(("here", "there", "least"), [(1.0, 0.0, 1.0), (0.75, 0.0, 0.98), (0.5, 0.0, 0.85)])
def test_what_never_shows_elsewhere_is_told_from_what_shows_often(here: float, there: float, least: float) -> None:
    assert ends(here, there)[Rates.DIFFER] >= least


@pytest.mark.parametrize(("here", "there", "pairs", "known"), [(1, 0, 5, Rates.DIFFER), (1, 1, 5, Rates.SAME)])
def test_it_is_cheap_where_a_rate_is_0_or_1(here: int, there: int, pairs: int, known: Rates) -> None:
    test = PairsOfBoots()
    while not test.over:
        test = test.and_then(here=bool(here), there=bool(there))
    assert (test.of, test.rates) == (pairs, known)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=MOST_PAIRS, max_size=MOST_PAIRS))
def test_a_test_of_two_rates_ends_and_counts_what_it_was_given(pairs: list[tuple[bool, bool]]) -> None:
    test = PairsOfBoots()
    given_to_it = []
    for here, there in pairs:
        if test.over:
            break
        test = test.and_then(here=here, there=there)
        given_to_it.append((here, there))
    assert test.over
    assert (test.shown, test.elsewhere) == (sum(here for here, _ in given_to_it), sum(two for _, two in given_to_it))
    assert test.of == len(given_to_it)
    if test.rates is Rates.DIFFER:
        assert test.shown > test.elsewhere


@given(st.integers(0, 16), st.integers(0, 16), st.integers(5, 16))
def test_a_third_rate_is_held_against_two_that_are_neither_0_nor_1(shown: int, elsewhere: int, of: int) -> None:
    test = BootsOfOne.between(min(shown, of), of, min(elsewhere, of), of)
    assert 0 < test.seldom < 1
    assert 0 < test.often < 1


@pytest.mark.parametrize(("often", "seldom"), [(0.92, 0.08), (0.7, 0.08), (0.9, 0.3), (0.6, 0.06)])
def test_which_of_two_rates_it_is_is_told_wrongly_no_more_often_than_that(often: float, seldom: float) -> None:
    """Wald's bound holds for the test that is never cut off; cut off, it says less and errs by a little more."""
    chance = random.Random(7)  # noqa: S311  not for secrets
    for rate, wrong in ((often, Shows.SELDOM), (seldom, Shows.OFTEN)):
        told = []
        for _ in range(4000):
            test = BootsOfOne(seldom, often)
            while not test.over:
                test = test.and_then(here=chance.random() < rate)
            assert test.of <= MOST_BOOTS
            told.append(test.shows)
        assert told.count(wrong) / len(told) <= 1.3 * ERROR


@pytest.mark.parametrize(("rate", "least"), [(0.75, 0.97), (0.875, 0.99)])
async def test_of_a_couple_the_innocent_is_found_whatever_was_thought_of_the_culprit(rate: float, least: float) -> None:
    """Also where the rate was counted in six boots that happened to show it all."""
    chance = random.Random(7)  # noqa: S311  not for secrets
    test = BootsOfOne.between(6, 6, 0, 6)

    async def strictly(traits: frozenset[str]) -> Shows:
        counted = test.strict
        while not counted.over:
            counted = counted.and_then(here="culprit" in traits and chance.random() < rate)
        return counted.shows

    told = [await without_innocents(("another", "culprit", "innocent"), strictly) for _ in range(1000)]
    assert told.count(("culprit",)) / len(told) >= least


async def test_of_a_couple_that_needs_both_neither_is_let_go() -> None:
    async def strictly(traits: frozenset[str]) -> Shows:
        counted = BootsOfOne.between(6, 6, 0, 6).strict
        while not counted.over:
            counted = counted.and_then(here=traits >= {"one", "other"})
        return counted.shows

    assert await without_innocents(("one", "other", "third"), strictly) == ("one", "other")


@given(st.integers(1, 6), st.integers(1, 6), st.floats(0, 1))
def test_what_chance_alone_shows_is_no_likelier_than_that_at_any_rate(with_it: int, without: int, rate: float) -> None:
    assert rate**with_it * (1 - rate) ** without <= told_by_chance(with_it, without) + 1e-9


def test_how_many_boots_it_takes_to_be_sure_of_a_cause() -> None:
    """Twice on either side is not enough; one boot more is."""
    assert told_by_chance(2, 2) > ERROR >= told_by_chance(3, 2)
    assert told_by_chance(1, 0) == 1


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.8])
@pytest.mark.parametrize(("of", "of_elsewhere"), [(4, 4), (8, 7), (12, 12)])
def test_of_a_fixed_number_of_boots_equal_rates_are_taken_for_different_ones_no_more_often_than_that(
    rate: float, of: int, of_elsewhere: int
) -> None:
    """The exact share of all outcomes, over every pair of counts."""

    def likelihood(count: int, boots: int) -> float:
        return comb(boots, count) * rate**count * (1 - rate) ** (boots - count)

    wrong = sum(
        likelihood(here, of) * likelihood(there, of_elsewhere)
        for here in range(of + 1)
        for there in range(of_elsewhere + 1)
        if shows_more_often(here, of, there, of_elsewhere)
    )
    assert wrong <= ERROR


def test_so_many_boots_without_it_say_that_it_is_not_there() -> None:
    """Seldom ones take more; what shows always takes one or two."""
    boots = [boots_to_see(shown, 8) for shown in range(9)]
    assert boots == sorted(boots, reverse=True)
    assert boots[8] <= 2
    for shown in range(1, 8):
        assert (1 - (shown + 0.5) / 9) ** boots[shown] <= ERROR


def test_the_surer_a_cause_must_be_the_more_often_it_is_shown() -> None:
    """Shown twice, and its absence once, before."""
    assert [times_more(error) for error in (ERROR, SEVERAL_ERROR, STRICT_ERROR)] == [1, 2, 4]


@pytest.mark.parametrize(
    ("seen", "of"), [("." * 20, NOTHING_SEEN), (".x.x" * 5, NOTHING_SEEN), (".x" + "." * 20, MOST_PAIRS)]
)
def test_boots_of_one_place_alone_end_where_it_did_not_come_again_or_came_more_than_once(seen: str, of: int) -> None:
    test, turns = BootsAlone(), iter(seen)
    while not test.over:
        test = test.and_then(here=next(turns) == "x")
    assert (test.shown, test.of) == (seen[:of].count("x"), of)
