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

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, TypeVar

from envparity.isolate.outcome import Outcome
from envparity.isolate.questions import OutOfBoots, Progress, Questions, Test
from envparity.support.together import together

__all__ = ["Isolated", "isolate"]

T = TypeVar("T", bound=Hashable)

_MOST_CAUSES = 3
_MOST_PARTS = 20  # questions about parts of a result from which nothing can be left out alone
_VERIFYING = 4  # boots that are kept for the end


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
    most: int = 40,
    progress: Callable[[Progress], None] = lambda _progress: None,
) -> Isolated[T]:
    """The smallest sets of differences that fail, with at most `most` boots altogether. Deterministic.

    `test` is asked about a set of differences added to the passing environment; that none of them passes and that all
    of them fail is taken to be known. No set is asked about twice, but to verify. Where the boots are used up, or
    `test` raises `OutOfBoots`, the smallest set known to fail is given, and neither `minimal` nor `verified`.
    `verifies` is asked in place of `test` for what verifies the result, also of sets that are known: a slower oracle
    whose word counts. Whether the `cheap` ones fail by themselves is asked first; where they do, the others are left
    alone. Of a set that shows it a part is named instead where that fails in disguise, and the failing environment does
    so too without the rest of the set: the rest only changes how it shows.

    Raises:
        ValueError: a difference comes twice, or there are none.
    """
    if not differences or len(set(differences)) != len(differences):
        raise ValueError("expected differences, each once")
    search = _Search(differences, Questions(differences, test, verifies, most, progress), cheap)
    try:
        await search.until_removing_them_passes()
    except OutOfBoots:
        return search.result(finished=False)
    return search.result(finished=True)


class _Search(Generic[T]):
    """One search. `least` is the smallest set known to fail that is being reduced."""

    def __init__(self, differences: Sequence[T], questions: Questions[T], cheap: Collection[T]) -> None:
        self.everything = tuple(differences)
        self.questions = questions
        self.causes: list[tuple[T, ...]] = []
        self.least: tuple[T, ...] = self.everything
        self.unresolved: list[frozenset[T]] = []
        self.verified = self.passes_without = False
        self._cheap = frozenset(cheap)
        self._places = {one: place for place, one in enumerate(differences)}

    async def until_removing_them_passes(self) -> None:
        """Find one cause after the other, and verify them, until without them the failing environment passes."""
        while True:
            rest = self._without(*self.causes)
            self.least = rest
            self.causes.append(await self._cause(rest))
            self.least = self.everything
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

    async def _cause(self, failing: tuple[T, ...]) -> tuple[T, ...]:
        """The smallest part of a set that shows it which can be found."""
        kept: tuple[T, ...] = ()
        before = await self._narrowed(failing)
        while not await self.questions.shows(kept):
            place = await self._end_of_failing_prefix(before, kept)
            last, before = before[place], before[:place]
            kept = (*kept, last)
            self.least = (*before, *kept)
            if await self.questions.shows((last,)):  # what was kept before only took its mask off
                kept = (last,)
        self.least = kept
        return self._in_sequence(await self._smallest(await self._irreducible(kept)))

    async def _narrowed(self, failing: tuple[T, ...]) -> tuple[T, ...]:
        """Only the cheap ones of a set that fails, where those fail by themselves."""
        cheap = tuple(one for one in failing if one in self._cheap)
        if 0 < len(cheap) < len(failing) and await self.questions.shows(cheap):
            self.least = cheap
            return cheap
        return failing

    async def _end_of_failing_prefix(self, row: tuple[T, ...], kept: tuple[T, ...]) -> int:
        """Where a prefix of the row ends that shows it with what was kept, and without its end does not."""
        passing, failing = 0, len(row)
        while failing - passing > 1:
            middle = (passing + failing) // 2
            if await self.questions.shows((*row[:middle], *kept), bits=failing - passing):
                failing = middle
            else:
                passing = middle
        return failing - 1

    async def _irreducible(self, kept: tuple[T, ...]) -> tuple[T, ...]:
        """The same where leaving any one of it out does not show it; else what ddmin leaves of it."""
        smaller = [tuple(one for one in kept if one != left_out) for left_out in kept] if len(kept) > 1 else []
        # No answer changes another question, so all of them are asked at the same time.
        for part, shows in zip(smaller, await together(*map(self.questions.shows, smaller)), strict=True):
            if shows:
                self.least = part
                return await self._ddmin(part)
        return kept

    async def _smallest(self, kept: tuple[T, ...]) -> tuple[T, ...]:
        """A smaller part that shows it, of a set from which nothing can be left out alone; the smallest come first.

        Differences may come in couples that only work together, a name and a host: with one of a couple it passes, or
        nothing can be said, and without both it fails.
        """
        asked = self.questions.boots
        for size in range(1, len(kept) - 1):
            for part in combinations(kept, size):
                spent = self.questions.boots - asked >= _MOST_PARTS or self.questions.left < _VERIFYING
                if frozenset(part) not in self.questions.known and spent:
                    return kept
                if await self.questions.shows(part):
                    self.least = part
                    return part
        return kept

    async def _ddmin(self, failing: tuple[T, ...]) -> tuple[T, ...]:
        parts = 2
        while len(failing) > 1:
            chunks = list(_split(failing, parts))
            complements = [tuple(one for one in failing if one not in chunk) for chunk in chunks]
            for at, smaller in enumerate((*chunks, *complements)):
                if await self.questions.shows(smaller):
                    failing = self.least = smaller
                    parts = 2 if at < len(chunks) else max(parts - 1, 2)
                    break
            else:
                if parts >= len(failing):
                    break
                parts = 2 * parts
            parts = min(parts, len(failing))
        return failing

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
            others = [one for one in self.causes if one != cause]
            rest = [one for one in cause if one not in part]
            still = [await self.questions.surely(self._without((one,), *others)) for one in rest]
            if all(one.fails for one in still):
                removed = await self.questions.surely(self._without(part, *others))
                if removed is Outcome.PASSES and (await self.questions.again(part)).fails:
                    return part
        return cause

    async def _each_is_needed(self, cause: frozenset[T]) -> None:
        """Note what gives no answer to whether each difference of the cause is needed, on either side."""
        for one in self._in_sequence(tuple(cause)):
            without = cause - {one}
            if await self.questions.surely(without) is Outcome.PASSES:
                continue
            others = [other for other in self.causes if frozenset(other) != cause]
            if await self.questions.surely(self._without((one,), *others)) is not Outcome.PASSES:
                self.unresolved.append(without)

    def _without(self, *removed: Collection[T]) -> tuple[T, ...]:
        """The failing environment without these."""
        gone = {one for several in removed for one in several}
        return tuple(one for one in self.everything if one not in gone)

    def _in_sequence(self, several: Sequence[T]) -> tuple[T, ...]:
        return tuple(sorted(several, key=self._places.__getitem__))

    def result(self, *, finished: bool) -> Isolated[T]:
        """What is known now. Unfinished before the first cause: the least set that fails."""
        searched = finished or bool(self.causes)
        causes = tuple(self.causes) if searched else (self._in_sequence(self.least),)
        return Isolated(
            causes=causes,
            finished=finished,
            minimal=bool(self.causes),
            verified=finished and self.verified,
            monotone=self.questions.monotone,
            flaky=tuple(self._in_sequence(tuple(one)) for one in self.questions.flaky),
            passes_without=self.passes_without,
            unresolved=tuple(self._in_sequence(tuple(one)) for one in dict.fromkeys(self.unresolved)),
            boots=self.questions.boots,
            verifying=self.questions.verifying,
        )


def _split(several: tuple[T, ...], parts: int) -> Iterator[tuple[T, ...]]:
    """As many parts of nearly equal size, none of them empty where there are as many as that."""
    for at in range(parts):
        yield several[at * len(several) // parts : (at + 1) * len(several) // parts]
