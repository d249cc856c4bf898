"""The smallest set of differences that flips the verdict, between an environment that passes and one that fails.

Every question is one boot of a hybrid: the passing environment with some of the differences. It shows the failure,
passes, or cannot say (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). Repeated
prefix bisection answers it: with the differences in a row, the shortest prefix that fails ends in one that matters;
keep that one, and look for the next among those before it, until what was kept fails alone. A prefix that does not show
it and a longer one that does always have such an end between them, whatever the failure is like, so that what is kept
shows it in any case. That nothing can be left out follows only where more differences never heal and nothing masks it;
so it is tried, and where it does not hold, ddmin takes what is left apart, and all parts of a small result are tried.

Where no answer can be had with the differences that are left out added to the passing environment, they are taken from
the failing one: what passes without one of them needs that one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, TypeVar

from envparity.isolate.expectation import Expectation
from envparity.isolate.outcome import Outcome
from envparity.isolate.questions import OutOfBoots, Questions, SearchProgress, Test
from envparity.isolate.reduction import PassingShows, Reduction
from envparity.support.together import together

__all__ = ["Isolated", "isolate"]

T = TypeVar("T", bound=Hashable)

_MOST_CAUSES = 3


@dataclass(frozen=True)
class Isolated(Generic[T]):
    """What came of it. `causes` are sets of differences in the sequence given, each of which fails alone.

    There is more than one only where each of them is enough in the failing environment too: only without all of
    them it passes. `minimal`: leaving any one difference out of any of them does not show it, which was tried.
    `verified`: each fails when added to the passing environment, asked twice; the failing one passes with all of
    them removed; and of every single difference it is known that it is needed. `unresolved` are the sets that this
    could not be said of, because their boots gave no answer; `passes_without`: the failing environment without all
    of them is none of these. `monotone`: no boot passed that had all the differences of one that failed. `flaky`
    are the sets that were asked twice and gave two answers. Not `finished`: the boots, or the time, were used up
    before. `boots` were needed to search, `verifying` more to verify. No causes at all: the passing environment
    itself fails.
    """

    causes: tuple[tuple[T, ...], ...]
    finished: bool
    minimal: bool
    verified: bool
    monotone: bool
    flaky: tuple[tuple[T, ...], ...]
    passes_without: bool
    unresolved: tuple[tuple[T, ...], ...]
    boots: int
    verifying: int


async def isolate(
    differences: Sequence[T],
    test: Test[T],
    *,
    verifies: Test[T] | None = None,
    cheap: Collection[T] = (),
    expected: Expectation[T] | None = None,
    most: int = 40,
    progress: Callable[[SearchProgress], None] = lambda _progress: None,
) -> Isolated[T]:
    """The smallest sets of differences that fail, with at most `most` boots altogether. Deterministic.

    `test` is asked about a set of differences added to the passing environment; that none of them passes and that all
    of them fail is taken to be known. No set is asked about twice, but to verify. Where the boots are used up, or
    `test` raises `OutOfBoots`, the smallest set known to fail is given, and neither `minimal` nor `verified`.
    `verifies` is asked in place of `test` for what verifies the result, also of sets that are known: a slower oracle
    whose word counts. Whether each of those fails by itself that are `expected` to is asked first, then whether the
    `cheap` ones do; where they do, the others are left alone. Of a set that shows it a part is named instead where that
    fails in disguise, and the failing environment does so too without the rest of the set: the rest only changes how it
    shows.

    Raises:
        ValueError: a difference comes twice, or there are none.
    """
    if not differences or len(set(differences)) != len(differences):
        raise ValueError("expected differences, each once")
    questions = Questions(differences, test, verifies, most, progress)
    search = _Search(questions, Reduction(tuple(differences), questions, cheap, expected or Expectation()))
    try:
        await search.until_removing_them_passes()
    except OutOfBoots:
        return search.result(finished=False)
    return search.result(finished=True)


class _Search(Generic[T]):
    """One search: cause after cause, and what verifies them."""

    def __init__(self, questions: Questions[T], reduction: Reduction[T]) -> None:
        self.everything = reduction.everything
        self.questions, self._reduction = questions, reduction
        self.causes: list[tuple[T, ...]] = []
        self.unresolved: list[frozenset[T]] = []
        self.verified = self.passes_without = False

    async def until_removing_them_passes(self) -> None:
        """Find one cause after the other, and verify them, until without them the failing environment passes."""
        while True:
            rest = self._without(*self.causes)
            try:
                self.causes.append(await self._reduction.cause(rest))
            except PassingShows:
                self.causes.clear()
                return
            cause = frozenset(self.causes[-1])
            # Neither answer changes the other question, so both boots are made at the same time.
            again, removed = await together(
                self.questions.again(cause), self.questions.surely(self._without(*self.causes))
            )
            if not again.fails:
                self.unresolved += [cause] if again is Outcome.UNKNOWN else []
                return
            if removed is not Outcome.SHOWS:
                break
            if len(self.causes) == 1 and (passing := await self.questions.again(())) is not Outcome.PASSES:
                if passing.fails:
                    self.causes.clear()
                self.unresolved += [frozenset()] if passing is Outcome.UNKNOWN else []
                return
            if len(self.causes) == _MOST_CAUSES:
                return
        self.passes_without = removed is Outcome.PASSES
        if self.passes_without:
            for place in range(len(self.causes)):
                self.causes[place] = await self._undisguised(self.causes[place])
            await self._only_those_that_matter()
            for cause in map(frozenset, self.causes):
                await self._each_is_needed(cause)
        else:
            self.unresolved.append(frozenset(self._without(*self.causes)))
        self.verified = not self.questions.flaky and not self.unresolved

    async def _only_those_that_matter(self) -> None:
        """Drop each cause that does not show it in the failing environment without the others: it is healed there.

        Where one is dropped, the others are asked about again: they are fewer then that are removed.
        """
        place = 0
        while len(self.causes) > 1 and place < len(self.causes):
            others = [*self.causes[:place], *self.causes[place + 1 :]]
            with_it_alone = frozenset(self._without(*others))
            answer = await self.questions.surely(with_it_alone)
            if answer is Outcome.UNKNOWN:
                self.unresolved.append(with_it_alone)
            if answer is Outcome.PASSES:
                self.causes = others
                place = 0
            else:
                place += 1

    async def _undisguised(self, cause: tuple[T, ...]) -> tuple[T, ...]:
        """The smallest part of it that fails in disguise, where the rest of it only changes how it shows."""
        parts = (part for size in range(1, len(cause)) for part in combinations(cause, size))
        for part in parts:
            if self.questions.known.get(frozenset(part)) is not Outcome.DISGUISED:
                continue
            others = [pair for pair in self.causes if pair != cause]
            rest = [item for item in cause if item not in part]
            still = [await self.questions.surely(self._without((item,), *others)) for item in rest]
            if all(outcome.fails for outcome in still):
                removed = await self.questions.surely(self._without(part, *others))
                if removed is Outcome.PASSES and (await self.questions.again(part)).fails:
                    return part
        return cause

    async def _each_is_needed(self, cause: frozenset[T]) -> None:
        """Note what gives no answer to whether each difference of the cause is needed, on either side."""
        for item in self._reduction.in_sequence(tuple(cause)):
            without = cause - {item}
            if await self.questions.surely(without) is Outcome.PASSES:
                continue
            others = [other for other in self.causes if frozenset(other) != cause]
            if await self.questions.surely(self._without((item,), *others)) is not Outcome.PASSES:
                self.unresolved.append(without)

    def _without(self, *removed: Collection[T]) -> tuple[T, ...]:
        """The failing environment without these."""
        gone = {item for several in removed for item in several}
        return tuple(item for item in self.everything if item not in gone)

    def result(self, *, finished: bool) -> Isolated[T]:
        """What is known now. Unfinished before the first cause: the least set that fails."""
        searched = finished or bool(self.causes)
        causes = tuple(self.causes) if searched else (self._reduction.in_sequence(self._reduction.least),)
        return Isolated(
            causes=causes,
            finished=finished,
            minimal=bool(self.causes),
            verified=finished and self.verified,
            monotone=self.questions.monotone,
            flaky=tuple(self._reduction.in_sequence(tuple(item)) for item in self.questions.flaky),
            passes_without=self.passes_without,
            unresolved=tuple(self._reduction.in_sequence(tuple(item)) for item in dict.fromkeys(self.unresolved)),
            boots=self.questions.boots,
            verifying=self.questions.verifying,
        )
