"""The questions of one search, each a boot: what is known is not asked again, and there are so many and no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from envparity.isolate.outcome import Outcome

__all__ = ["OutOfBoots", "Questions", "SearchProgress", "Test"]

T = TypeVar("T", bound=Hashable)
Test = Callable[[frozenset[T]], Awaitable[Outcome]]


class OutOfBoots(Exception):
    """An oracle raises this instead of booting where no time is left: what is known by then is the result."""


@dataclass(frozen=True)
class SearchProgress:
    """How far it is: boots made, and how many more there are at most if what is looked for now is the last part."""

    boots: int
    left: int


class Questions(Generic[T]):
    """What sets of differences come to, asked of `test`, and of `surer` where its word counts.

    `known` has every answer; that none of the differences passes and all of them show it, is known from the beginning.
    `boots` were needed to search, `verifying` more to verify; `flaky` are the sets that gave two answers, of which
    none is that nobody can say. The next question after `most` raises `OutOfBoots`.
    """

    def __init__(
        self,
        everything: Collection[T],
        test: Test[T],
        surer: Test[T] | None,
        most: int,
        progress: Callable[[SearchProgress], None],
    ) -> None:
        self.known: dict[frozenset[T], Outcome] = {frozenset(): Outcome.PASSES, frozenset(everything): Outcome.SHOWS}
        self.flaky: list[frozenset[T]] = []
        self.boots = self.verifying = 0
        self._sure = set(self.known)  # by the word of whom that counts
        self._begun = 0
        self._test, self._surer, self._most, self._progress = test, surer, most, progress

    @property
    def left(self) -> int:
        """How many boots may still be made."""
        return self._most - self._begun

    @property
    def monotone(self) -> bool:
        """Whether no boot passed that had all the differences of one that shows it."""
        passed = [value for value, outcome in self.known.items() if outcome is Outcome.PASSES]
        shown = [each_value for each_value, outcome in self.known.items() if outcome is Outcome.SHOWS]
        return not any(item < other for item in shown for other in passed)

    async def shows(self, several: Collection[T], *, bits: int = 1) -> bool:
        """Whether that set shows it: as it is known, or by a boot. `bits` is the size of the window that it halves."""
        wanted = frozenset(several)
        if wanted not in self.known:
            self.known[wanted] = await self._boot(wanted, left=max(bits - 1, 0).bit_length() + 3)
            self.boots += 1
        return self.known[wanted] is Outcome.SHOWS

    async def surely(self, several: Collection[T]) -> Outcome:
        """What that set comes to, by the word of whom that counts; a boot for it is one that verifies."""
        wanted = frozenset(several)
        if wanted not in self.known or (self._surer is not None and wanted not in self._sure):
            answer = await self._boot(wanted, left=1, verifying=True)
            self.verifying += 1
            self._sure.add(wanted)
            self._compare(wanted, self.known.get(wanted, answer), answer)
            self.known[wanted] = answer
        return self.known[wanted]

    async def again(self, several: Collection[T]) -> Outcome:
        """What that set comes to when it is asked once more; if that is another answer, it is flaky."""
        wanted = frozenset(several)
        answer = await self._boot(wanted, left=2, verifying=True)
        self.verifying += 1
        self._sure.add(wanted)
        self._compare(wanted, self.known[wanted], answer)
        return answer

    def _compare(self, wanted: frozenset[T], before: Outcome, now: Outcome) -> None:
        if before is not now and Outcome.UNKNOWN not in {before, now}:
            self.flaky.append(wanted)

    async def _boot(self, wanted: frozenset[T], *, left: int, verifying: bool = False) -> Outcome:
        if self._begun >= self._most:
            raise OutOfBoots
        self._progress(SearchProgress(self._begun, min(left, self._most - self._begun)))
        self._begun += 1
        oracle = self._surer if verifying and self._surer is not None else self._test
        return await oracle(wanted)
