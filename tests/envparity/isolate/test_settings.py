"""Sets of settings that make a failure, found by halving."""

from __future__ import annotations

import asyncio
from itertools import combinations
from math import ceil, log2

from hypothesis import given
from hypothesis import strategies as st

from envparity.isolate.expectation import Expectation
from envparity.isolate.outcome import Outcome
from envparity.isolate.settings import isolate
from tests.envparity.isolate.settings_oracles import causes_of, isolated, outcome


@given(causes_of())
def test_one_set_is_found_exactly(problem: tuple[int, frozenset[int]]) -> None:
    """What fails exactly with one, two or three differences together is found as these, minimal and verified."""
    size, cause = problem
    found, _ = isolated(size, cause.issubset)
    assert found.causes == (tuple(sorted(cause)),)
    assert found.minimal
    assert found.verified
    assert found.monotone
    assert not found.flaky


@given(causes_of())
def test_no_more_boots_than_bisection_needs(problem: tuple[int, frozenset[int]]) -> None:
    """A bisection and one question for each difference, the parts of three, and at most two boots to verify.

    Of several differences one more: whether the passing environment still passes.
    """
    size, cause = problem
    found, asked = isolated(size, cause.issubset)
    parts = 3 if len(cause) == 3 else 0
    assert found.boots <= len(cause) * (ceil(log2(size)) + 2) + parts
    assert 1 <= found.verifying <= 2 + (len(cause) > 1)
    assert len(asked) == found.boots + found.verifying


@given(causes_of((1, 2)), st.integers(0, 99))
def test_who_is_likely_is_asked_first_and_changes_no_answer(problem: tuple[int, frozenset[int]], guess: int) -> None:
    """One boot where it is right; where it is wrong, that one more at most."""
    size, cause = problem
    likely = guess % size
    asked: list[frozenset[int]] = []

    async def boot(several: frozenset[int]) -> Outcome:
        asked.append(several)
        return outcome(cause <= several)

    found = asyncio.run(isolate(range(size), boot, expected=Expectation(likely=lambda _several: [likely]), most=10_000))
    without, _ = isolated(size, cause.issubset)
    assert found.causes == without.causes
    assert asked[0] == {likely}
    assert found.boots == 1 if cause == {likely} else found.boots <= without.boots + 1


@given(causes_of())
def test_no_set_is_booted_twice_but_to_verify(problem: tuple[int, frozenset[int]]) -> None:
    """Only the cause itself is asked about once more."""
    size, cause = problem
    _, asked = isolated(size, cause.issubset)
    again = [question for question in set(asked) if asked.count(question) > 1]
    assert set(again) <= {cause}


@given(st.data())
def test_whatever_the_failure_is_like_the_answer_fails_and_no_part_of_it_less_one_does(data: st.DataObject) -> None:
    """Answers without any pattern: each cause fails, and passes when any one difference of it is left out."""
    size = data.draw(st.integers(2, 12))
    everything = frozenset(range(size))
    answers = {frozenset(): False, everything: True}

    def fails(several: frozenset[int]) -> bool:
        if several not in answers:
            answers[several] = data.draw(st.booleans())
        return answers[several]

    found, _ = isolated(size, fails)
    assert found.causes
    for cause in found.causes:
        assert answers[frozenset(cause)]
        assert not any(answers[frozenset(smaller)] for smaller in combinations(cause, len(cause) - 1))
    if found.verified:
        assert not answers[everything.difference(*map(frozenset, found.causes))]


@given(causes_of(), st.data())
def test_a_difference_that_heals_is_worked_round(problem: tuple[int, frozenset[int]], data: st.DataObject) -> None:
    """Where one difference masks the failure and another takes the mask off, the answer is still 1-minimal."""
    size, cause = problem
    mask = data.draw(st.integers(0, size - 1).filter(lambda change: change not in cause or len(cause) == size))
    unmask = data.draw(st.integers(0, size - 1))

    def fails(several: frozenset[int]) -> bool:
        return cause <= several and (mask not in several or mask in cause or unmask in several)

    everything = frozenset(range(size))
    if not fails(everything):
        return
    found, _ = isolated(size, fails)
    for named in found.causes:
        assert fails(frozenset(named))
        assert not any(fails(frozenset(smaller)) for smaller in combinations(named, len(named) - 1))


def test_what_is_not_monotone_is_said_and_taken_apart() -> None:
    """3 fails, 0 hides it, 6 shows it again: bisection keeps 3 and 6, and trying to leave one out gives 3 alone."""
    found, _ = isolated(8, lambda several: 3 in several and (0 not in several or 6 in several))
    assert found.causes == ((3,),)
    assert found.minimal
    assert not found.monotone


@given(st.integers(2, 60), st.data())
def test_causes_that_stand_alone_are_both_named(size: int, data: st.DataObject) -> None:
    """Where either of two differences is enough, removing one does not help, and the other is found too."""
    first, other = data.draw(st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True))
    found, _ = isolated(size, lambda several: bool(several & {first, other}))
    assert sorted(found.causes) == sorted([(first,), (other,)])
    assert found.verified


def test_where_the_passing_environment_fails_too_there_is_no_cause() -> None:
    """Nothing is named that was there already."""
    found, _ = isolated(20, lambda _several: True)
    assert found.causes == ()
    assert not found.verified
    assert found.flaky == ((),)


def test_what_shows_by_chance_is_not_searched_for_among_many() -> None:
    """Where no single difference does it, the passing environment is asked once more before all that are left."""
    asked: list[frozenset[int]] = []

    def fails(several: frozenset[int]) -> bool:
        asked.append(several)
        return len(asked) > 3

    found, _ = isolated(64, lambda several: not several or (fails(several) and len(several) > 1))
    assert found.causes == ()
    assert not found.verified
    assert len(asked) <= 8


def test_an_answer_that_changes_is_noticed() -> None:
    """The cause is asked about twice; where it passes the second time, that is said and nothing counts as verified."""
    times: dict[frozenset[int], int] = {}

    def fails(several: frozenset[int]) -> bool:
        times[several] = times.get(several, 0) + 1
        return 3 in several and (several != {3} or times[several] == 1)

    found, _ = isolated(10, fails)
    assert found.causes == ((3,),)
    assert found.flaky == ((3,),)
    assert not found.verified
