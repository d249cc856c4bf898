"""A search for settings within its bounds: budgets, time, cheap questions, and a surer oracle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.isolate.expectation import Expectation
from envparity.isolate.outcome import Outcome
from envparity.isolate.questions import OutOfBoots, SearchProgress
from envparity.isolate.settings import isolate
from tests.envparity.isolate.settings_oracles import causes_of, isolated, outcome


@pytest.mark.parametrize("most", range(12))
def test_a_budget_is_kept_and_what_is_known_by_then_is_given(most: int) -> None:
    """With few boots the smallest set known to fail is the answer, and it is not called minimal."""
    cause = frozenset({7, 31})
    found, asked = isolated(46, cause.issubset, most=most)
    assert len(asked) <= most
    assert cause.issubset(found.causes[0])
    assert not found.minimal
    assert not found.verified


def test_an_oracle_that_has_no_time_left_ends_it() -> None:
    """OutOfBoots is no error: the search so far is the result."""

    def fails(_several: frozenset[int]) -> bool:
        raise OutOfBoots

    found, _ = isolated(5, fails)
    assert found.causes == (tuple(range(5)),)
    assert not found.minimal


@given(causes_of((1, 1)))
def test_the_boots_left_are_never_promised_too_few(problem: tuple[int, frozenset[int]]) -> None:
    """For a cause of one difference what progress says is an upper bound at every boot."""
    size, cause = problem
    told: list[SearchProgress] = []
    found, asked = isolated(size, cause.issubset, progress=told.append)
    assert [progress.boots for progress in told] == list(range(len(asked)))
    assert all(progress.boots + progress.left >= found.boots + found.verifying for progress in told)


@pytest.mark.parametrize("differences", [(), (1, 2, 1)])
def test_differences_are_each_there_once(differences: Sequence[int]) -> None:
    """Nothing to search, or a difference that comes twice, is refused."""

    async def fails(_several: frozenset[int]) -> Outcome:
        return Outcome.SHOWS

    with pytest.raises(ValueError, match="each once"):
        asyncio.run(isolate(differences, fails))


@given(causes_of(), st.data())
def test_the_cheap_ones_are_asked_about_first_and_alone_where_they_fail(
    problem: tuple[int, frozenset[int]], data: st.DataObject
) -> None:
    """The same cause, for one question more at most; none about the others where it lies among the cheap ones."""
    size, cause = problem
    cheap = data.draw(st.frozensets(st.integers(0, size - 1)))
    asked: list[frozenset[int]] = []

    async def boot(several: frozenset[int]) -> Outcome:
        asked.append(several)
        return outcome(cause <= several)

    found = asyncio.run(isolate(range(size), boot, cheap=cheap))
    assert (found.causes, found.verified) == ((tuple(sorted(cause)),), True)
    assert found.boots <= isolated(size, cause.issubset)[0].boots + len(cause) + 1
    if cause <= cheap:
        assert all(question <= cheap for question in asked[: found.boots])


def test_what_is_known_of_the_cheap_ones_is_not_asked_of_again() -> None:
    """Where none of them does it, those are halved that are left, wherever in the row the cheap ones stand."""
    cheap = frozenset(range(32)) - {0, 5, 31}
    asked: list[frozenset[int]] = []

    async def boot(several: frozenset[int]) -> Outcome:
        asked.append(several)
        return outcome(31 in several)

    found = asyncio.run(isolate(range(32), boot, cheap=cheap))
    assert found.causes == ((31,),)
    assert all(cheap < question for question in asked[1 : found.boots - 1])
    assert found.boots <= 1 + 2 + 1  # the cheap ones, two halves of three, and whether it does it alone


@given(causes_of((1, 1)), st.data())
def test_what_weighs_more_is_found_in_fewer_boots(problem: tuple[int, frozenset[int]], data: st.DataObject) -> None:
    """As many as the share of it in the whole asks for, and whether it does it alone; the cause is the same one."""
    size, cause = problem
    heavy = data.draw(st.sampled_from([4, 16, 64]))
    weights = [heavy if item in cause else 1 for item in range(size)]

    async def boot(several: frozenset[int]) -> Outcome:
        return outcome(cause <= several)

    found = asyncio.run(isolate(range(size), boot, expected=Expectation[int](weighs=weights.__getitem__)))
    assert found.causes == (tuple(cause),)
    assert found.boots <= ceil(log2(sum(weights) / heavy)) + 2


@given(causes_of())
def test_what_verifies_is_asked_of_the_surer_oracle(problem: tuple[int, frozenset[int]]) -> None:
    """Once with the cause, with all the rest, and without each of it, whatever the other oracle said of them.

    Of several differences also once with none of them.
    """
    size, cause = problem
    sure: list[frozenset[int]] = []

    async def quick(several: frozenset[int]) -> Outcome:
        return outcome(cause <= several)

    async def surely(several: frozenset[int]) -> Outcome:
        sure.append(several)
        return outcome(cause <= several)

    found = asyncio.run(isolate(range(size), quick, verifies=surely))
    everything = frozenset(range(size))
    assert next(filter(None, sure)) == cause
    needed = {cause - {change} for change in cause} if len(cause) > 1 else set()
    none = {frozenset[int]()} if len(cause) > 1 else set()
    assert set(sure) - {cause} == {everything - cause, *needed} - {frozenset()} | none
    assert (found.verified, found.verifying) == (True, len(sure))


@pytest.mark.parametrize("rest_fails", [True, False])
def test_an_oracle_that_the_surer_one_contradicts_is_flaky(*, rest_fails: bool) -> None:
    """Nothing is verified on the word of the quick one."""

    async def quick(several: frozenset[int]) -> Outcome:
        return outcome(3 in several)

    async def surely(several: frozenset[int]) -> Outcome:
        return outcome(rest_fails)

    found = asyncio.run(isolate(range(8), quick, verifies=surely))
    assert not found.verified


def test_what_verifies_a_cause_is_booted_at_the_same_time() -> None:
    """The cause once more, and the failing environment without it: each of the two boots waits for the other."""
    meeting = asyncio.Barrier(2)

    async def boot(several: frozenset[int]) -> Outcome:
        return outcome(3 in several)

    async def meets(several: frozenset[int]) -> Outcome:
        async with asyncio.timeout(5):
            await meeting.wait()
        return outcome(3 in several)

    found = asyncio.run(isolate(range(8), boot, verifies=meets))
    assert (found.causes, found.verified, found.verifying) == (((3,),), True, 2)


@given(st.integers(3, 46), st.integers(1, 3), st.booleans(), st.data())
def test_of_settings_that_work_in_couples_only_the_one_that_fails_is_named(
    size: int, couples: int, said: bool, data: st.DataObject
) -> None:
    """A name and a host: with one of a couple nobody can say, or it passes; both of them, or none, change nothing."""
    count = min(couples, (size - 1) // 2)
    drawn = data.draw(st.lists(st.integers(0, size - 1), min_size=2 * count + 1, max_size=2 * count + 1, unique=True))
    cause, *paired = drawn
    both = [frozenset(paired[at : at + 2]) for at in range(0, len(paired), 2)]

    def answer(several: frozenset[int]) -> bool | Outcome:
        if any(len(several & couple) == 1 for couple in both):
            return False if said else Outcome.UNKNOWN
        return cause in several

    found, _ = isolated(size, answer, most=40 if count < 3 else 60)
    assert found.causes == ((cause,),)
    assert found.verified
