"""Reducing a set of differences that fails to the smallest part of it that does, question by question."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from itertools import accumulate, combinations
from typing import Generic, TypeVar

from envparity.isolate.expectation import Expectation
from envparity.isolate.outcome import Outcome
from envparity.isolate.questions import Questions
from envparity.support.together import together

__all__ = ["PassingShows", "Reduction"]

T = TypeVar("T", bound=Hashable)

_MOST_PARTS = 20  # questions about parts of a result from which nothing can be left out alone
_VERIFYING = 4  # boots that are kept for the end


class PassingShows(Exception):
    """Nothing makes the difference: without any of them it shows as well, in another boot."""


class Reduction(Generic[T]):
    """Reduces sets out of `everything`. `least` is the smallest one known to fail of what is being reduced.

    Whether each of those fails by itself that are `expected` to is asked first, then whether the `cheap` ones do. Each
    question halves what the rest weigh, so that what weighs more is found in fewer.
    """

    def __init__(
        self,
        everything: tuple[T, ...],
        questions: Questions[T],
        cheap: Collection[T],
        expected: Expectation[T],
    ) -> None:
        self.everything, self._questions = everything, questions
        self.least: tuple[T, ...] = everything
        self._cheap, self._expected = frozenset(cheap), expected
        self._places = {value: place for place, value in enumerate(everything)}

    def in_sequence(self, several: Sequence[T]) -> tuple[T, ...]:
        """These in the order in which they were given."""
        return tuple(sorted(several, key=self._places.__getitem__))

    async def cause(self, failing: tuple[T, ...]) -> tuple[T, ...]:
        """The smallest part of a set that shows it which can be found. Raises `PassingShows`."""
        self.least = failing
        for likely in self._expected.likely(self.everything):
            if likely in failing and len(failing) > 1 and await self._questions.shows((likely,)):
                self.least = self.everything
                return (likely,)
        kept: tuple[T, ...] = ()
        before = await self._narrowed(failing)
        while not await self._questions.shows(kept):
            place = await self._end_of_failing_prefix(before, kept)
            last, before = before[place], before[:place]
            kept = (*kept, last)
            self.least = (*before, *kept)
            if await self._questions.shows((last,)):  # what was kept before only took its mask off
                kept = (last,)
            elif len(kept) == 1 and (await self._questions.again(())).fails:
                # What takes several differences is often chance: then none of them need be there.
                raise PassingShows
        self.least = kept
        smallest = await self._smallest(await self._irreducible(kept))
        self.least = self.everything
        return self.in_sequence(smallest)

    async def _narrowed(self, failing: tuple[T, ...]) -> tuple[T, ...]:
        """Only the cheap ones of a set that fails, where those fail by themselves; else all of it, and they come first.

        So what is known of them is known of a prefix.
        """
        cheap = tuple(item for item in failing if item in self._cheap)
        if 0 < len(cheap) < len(failing) and await self._questions.shows(cheap):
            self.least = cheap
            return cheap
        return (*cheap, *(item for item in failing if item not in self._cheap))

    async def _end_of_failing_prefix(self, row: tuple[T, ...], kept: tuple[T, ...]) -> int:
        """Where a prefix of the row ends that shows it with what was kept, and without its end does not."""
        passing, failing = self._known_to_pass(row, kept), len(row)
        while failing - passing > 1:
            middle = self._middle(row, passing, failing)
            if await self._questions.shows((*row[:middle], *kept), bits=failing - passing):
                failing = middle
            else:
                passing = middle
        return failing - 1

    def _known_to_pass(self, row: tuple[T, ...], kept: tuple[T, ...]) -> int:
        """The length of the prefix of the cheap ones where that is known to pass with what was kept; else 0."""
        cheap = sum(item in self._cheap for item in row)
        known = self._questions.known.get(frozenset((*row[:cheap], *kept)))
        return cheap if cheap < len(row) and known is Outcome.PASSES else 0

    def _middle(self, row: tuple[T, ...], passing: int, failing: int) -> int:
        """The place between these two that halves best what weighs in the row."""
        before = list(accumulate(map(self._expected.weighs, row[passing:failing])))
        return passing + min(range(1, failing - passing), key=lambda length: abs(2 * before[length - 1] - before[-1]))

    async def _irreducible(self, kept: tuple[T, ...]) -> tuple[T, ...]:
        """The same where leaving any one of it out does not show it; else what ddmin leaves of it."""
        smaller = [tuple(item for item in kept if item != left_out) for left_out in kept] if len(kept) > 1 else []
        # No answer changes another question, so all of them are asked at the same time.
        for part, shows in zip(smaller, await together(*map(self._questions.shows, smaller)), strict=True):
            if shows:
                self.least = part
                return await self._ddmin(part)
        return kept

    async def _smallest(self, kept: tuple[T, ...]) -> tuple[T, ...]:
        """A smaller part that shows it, of a set from which nothing can be left out alone; the smallest come first.

        Differences may come in couples that only work together, a name and a host: with one of a couple it passes, or
        nothing can be said, and without both it fails.
        """
        asked = self._questions.boots
        for size in range(1, len(kept) - 1):
            for part in combinations(kept, size):
                spent = self._questions.boots - asked >= _MOST_PARTS or self._questions.left < _VERIFYING
                if frozenset(part) not in self._questions.known and spent:
                    return kept
                if await self._questions.shows(part):
                    self.least = part
                    return part
        return kept

    async def _ddmin(self, failing: tuple[T, ...]) -> tuple[T, ...]:
        parts = 2
        while len(failing) > 1:
            chunks = list(_split(failing, parts))
            complements = [tuple(item for item in failing if item not in chunk) for chunk in chunks]
            for at, smaller in enumerate((*chunks, *complements)):
                if await self._questions.shows(smaller):
                    failing = self.least = smaller
                    parts = 2 if at < len(chunks) else max(parts - 1, 2)
                    break
            else:
                if parts >= len(failing):
                    break
                parts = 2 * parts
            parts = min(parts, len(failing))
        return failing


def _split(several: tuple[T, ...], parts: int) -> Iterator[tuple[T, ...]]:
    """As many parts of nearly equal size, none of them empty where there are as many as that."""
    for at in range(parts):
        yield several[at * len(several) // parts : (at + 1) * len(several) // parts]
