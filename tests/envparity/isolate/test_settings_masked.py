"""Settings that hide or disguise what others do: what is named is true and minimal all the same."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import assume, given
from hypothesis import strategies as st

from envparity.isolate.outcome import Outcome
from tests.envparity.isolate.settings_oracles import isolated, outcome


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
