from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from itertools import combinations
from math import ceil, log2

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from envparity.isolate.outcome import Outcome
from envparity.isolate.questions import OutOfBoots, Progress
from envparity.isolate.settings import Isolated, isolate

Oracle = Callable[[frozenset[int]], bool | Outcome]


def outcome(answer: bool | Outcome) -> Outcome:
    """Of an oracle that knows no third."""
    if isinstance(answer, Outcome):
        return answer
    return Outcome.SHOWS if answer else Outcome.PASSES


def isolated(
    size: int, fails: Oracle, *, most: int = 10_000, progress: Callable[[Progress], None] = lambda _one: None
) -> tuple[Isolated[int], list[frozenset[int]]]:
    asked: list[frozenset[int]] = []

    async def boot(several: frozenset[int]) -> Outcome:
        asked.append(several)
        return outcome(fails(several))

    return asyncio.run(isolate(range(size), boot, most=most, progress=progress)), asked


@st.composite
def causes_of(draw: st.DrawFn, sizes: tuple[int, int] = (1, 3)) -> tuple[int, frozenset[int]]:
    size = draw(st.integers(2, 100))
    several = st.frozensets(st.integers(0, size - 1), min_size=sizes[0], max_size=min(sizes[1], size))
    return size, draw(several)


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
    """A bisection and one question for each difference, the parts of three, and at most two boots to verify."""
    size, cause = problem
    found, asked = isolated(size, cause.issubset)
    parts = 3 if len(cause) == 3 else 0
    assert found.boots <= len(cause) * (ceil(log2(size)) + 2) + parts
    assert 1 <= found.verifying <= 2
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

    found = asyncio.run(isolate(range(size), boot, likely=[likely], most=10_000))
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
    told: list[Progress] = []
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


@given(causes_of())
def test_what_verifies_is_asked_of_the_surer_oracle(problem: tuple[int, frozenset[int]]) -> None:
    """Once with the cause, with all the rest, and without each of it, whatever the other oracle said of them."""
    size, cause = problem
    sure: list[frozenset[int]] = []

    async def quick(several: frozenset[int]) -> Outcome:
        return outcome(cause <= several)

    async def surely(several: frozenset[int]) -> Outcome:
        sure.append(several)
        return outcome(cause <= several)

    found = asyncio.run(isolate(range(size), quick, verifies=surely))
    everything = frozenset(range(size))
    assert sure[0] == cause
    needed = {cause - {change} for change in cause} if len(cause) > 1 else set()
    assert set(sure[1:]) == {everything - cause, *needed} - {frozenset()}
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


class Hidden:
    """A failure that shows where any of some sets is there whole, and that masks keep from being seen.

    A mask is a set, and what takes it off: where the one is there and nothing of the other, nobody can say.
    """

    def __init__(
        self, causes: Collection[frozenset[int]], masks: Collection[tuple[frozenset[int], frozenset[int]]]
    ) -> None:
        self.causes, self.masks = causes, masks

    def fails(self, several: frozenset[int]) -> bool:
        return any(cause <= several for cause in self.causes)

    def answer(self, several: frozenset[int]) -> Outcome:
        if any(mask <= several and not several & off for mask, off in self.masks):
            return Outcome.UNKNOWN
        return outcome(self.fails(several))


@st.composite
def hidden_failures(draw: st.DrawFn) -> tuple[int, Hidden]:
    size = draw(st.integers(2, 9))
    few = st.frozensets(st.integers(0, size - 1), min_size=1, max_size=min(3, size))
    masks = st.tuples(few, st.frozensets(st.integers(0, size - 1), max_size=2))
    hidden = Hidden(draw(st.lists(few, min_size=1, max_size=3)), draw(st.lists(masks, max_size=4)))
    assume(hidden.answer(frozenset(range(size))) is Outcome.SHOWS)
    return size, hidden


@given(hidden_failures())
def test_a_cause_that_is_named_is_true_and_minimal_whatever_is_masked(problem: tuple[int, Hidden]) -> None:
    """Each fails by itself, less than it does not, and without all of them nothing does, seen or not."""
    size, hidden = problem
    found, _ = isolated(size, hidden.answer)
    everything = frozenset(range(size))
    if not found.verified:
        assert found.unresolved or len(found.causes) >= 3
        return
    for cause in map(frozenset, found.causes):
        assert hidden.fails(cause)
        assert not any(hidden.fails(cause - {change}) for change in cause)
        others = frozenset().union(*map(frozenset, found.causes)) - cause
        assert hidden.fails(everything - others)
    assert not hidden.fails(everything.difference(*map(frozenset, found.causes)))


@given(st.data())
def test_a_cause_that_is_named_has_been_seen_from_either_side_whatever_the_answers_are(data: st.DataObject) -> None:
    """Answers without any pattern: it shows, it passes without, and each of it is needed on one side at least."""
    size = data.draw(st.integers(2, 7))
    everything = frozenset(range(size))
    answers = {frozenset[int](): Outcome.PASSES, everything: Outcome.SHOWS}

    def answer(several: frozenset[int]) -> Outcome:
        if several not in answers:
            answers[several] = data.draw(st.sampled_from(Outcome))
        return answers[several]

    found, _ = isolated(size, answer)
    if not found.verified:
        return
    union = frozenset().union(*map(frozenset, found.causes))
    assert answers[everything - union] is Outcome.PASSES
    for cause in map(frozenset, found.causes):
        assert answers[cause].fails
        for change in cause:
            without = everything - (union - cause) - {change}
            assert Outcome.PASSES in {answers[cause - {change}], answers.get(without)}
        if len(found.causes) > 1:
            assert answers[everything - (union - cause)] is not Outcome.PASSES


def test_what_only_changes_how_it_shows_is_left_out_once_that_is_seen_from_either_side() -> None:
    """5 is the defect, a silence; 2 makes a close of it. Without 2 it is as silent, without 5 it is well."""

    def answer(several: frozenset[int]) -> Outcome:
        if 5 not in several:
            return Outcome.PASSES
        return Outcome.SHOWS if 2 in several else Outcome.DISGUISED

    found, asked = isolated(8, answer)
    assert (found.causes, found.verified) == (((5,),), True)
    assert asked.count(frozenset({5})) == 2, "what is named was seen twice"
    assert frozenset(range(8)) - {2} in asked
    assert len(asked) == found.boots + found.verifying


def test_a_part_that_is_as_broken_alone_and_not_beside_the_rest_is_no_disguise() -> None:
    """Without 2 the failing environment is well, so that 2 is more than a way to show it."""

    def answer(several: frozenset[int]) -> Outcome:
        if {2, 5} <= several:
            return Outcome.SHOWS
        return Outcome.DISGUISED if several == {5} else Outcome.PASSES

    found, _ = isolated(8, answer)
    assert (found.causes, found.verified) == (((2, 5),), True)


def test_an_alternative_that_is_healed_where_only_the_disguise_of_the_other_is_back_is_dropped() -> None:
    """0 shows it, and so do 1 and 2 together, of which 1 only changes how it shows; beside 1 alone 0 is healed."""
    answers = {
        frozenset[int](): Outcome.PASSES,
        frozenset({0}): Outcome.SHOWS,
        frozenset({1}): Outcome.PASSES,
        frozenset({2}): Outcome.DISGUISED,
        frozenset({0, 1}): Outcome.PASSES,
        frozenset({1, 2}): Outcome.SHOWS,
        frozenset({0, 2}): Outcome.SHOWS,
    }
    found, asked = isolated(3, lambda several: answers[several])
    assert found.causes == ((2,),)
    assert frozenset({0, 1}) in asked


def test_what_is_healed_in_the_failing_environment_is_no_alternative() -> None:
    """1 alone fails beside nothing, and passes where 7 is there as well; 3 does it everywhere."""
    found, _ = isolated(8, lambda several: 3 in several or (1 in several and 7 not in several))
    assert (found.causes, found.verified) == (((3,),), True)


def test_no_answer_the_second_time_is_not_another_answer() -> None:
    """The boot did not stand up, or failed otherwise: nothing is certain then, and nothing is flaky."""
    times: dict[frozenset[int], int] = {}

    def answer(several: frozenset[int]) -> bool | Outcome:
        times[several] = times.get(several, 0) + 1
        return Outcome.UNKNOWN if several == {3} and times[several] > 1 else 3 in several

    found, _ = isolated(10, answer)
    assert (found.causes, found.verified, found.flaky) == (((3,),), False, ())
    assert found.unresolved == ((3,),)


def test_a_failing_environment_of_which_nobody_can_say_that_it_passes_without_names_no_cause() -> None:
    """3 shows it alone; without 3 the failing environment is broken otherwise."""
    everything = frozenset(range(8))
    found, _ = isolated(8, lambda several: Outcome.UNKNOWN if several == everything - {3} else 3 in several)
    assert (found.causes, found.verified) == (((3,),), False)
    assert found.unresolved == (tuple(sorted(everything - {3})),)
