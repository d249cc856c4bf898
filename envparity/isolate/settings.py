"""The smallest set of differences that flips the verdict, between an environment that passes and one that fails.

Every question is one boot of a mixture: the passing environment with some of the differences. Repeated prefix
bisection answers it: with the differences in a row, the shortest prefix that fails ends in one that matters; keep that
one, and look for the next among those before it, until what was kept fails alone. A prefix that passes and a longer
one that fails always have such an end between them, whatever the failure is like, so that what is kept fails in any
case. That nothing can be left out follows only where more differences never heal (a monotone failure); so it is tried,
and where it does not hold, ddmin (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002)
takes what is left apart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from envparity.together import together

__all__ = ["Isolated", "OutOfBoots", "Progress", "isolate"]

T = TypeVar("T", bound=Hashable)
Fails = Callable[[frozenset[T]], Awaitable[bool]]

_MOST_CAUSES = 3


class OutOfBoots(Exception):
    """An oracle raises this instead of booting where no time is left: what is known by then is the result."""


@dataclass(frozen=True)
class Progress:
    """How far it is: boots made, and how many more there are at most if what is looked for now is the last part."""

    boots: int
    left: int


@dataclass(frozen=True)
class Isolated(Generic[T]):
    """What came of it. `causes` are sets of differences in the sequence given, each of which fails alone.

    There is more than one only where removing the first does not make the failing environment pass: then each is a
    cause of its own. `minimal`: leaving any one difference out of any of them passes, which was tried. `verified`: each
    fails when added to the passing environment, asked twice, and with all of them removed the failing one passes.
    `monotone`: no boot passed that had all the differences of one that failed. `flaky` are the sets that were asked
    twice and gave two answers. `boots` were needed to search, `verifying` more to verify. No causes at all: the passing
    environment itself fails.
    """

    causes: tuple[tuple[T, ...], ...]
    minimal: bool
    verified: bool
    monotone: bool
    flaky: tuple[tuple[T, ...], ...]
    boots: int
    verifying: int


async def isolate(
    differences: Sequence[T],
    fails: Fails[T],
    *,
    verifies: Fails[T] | None = None,
    cheap: Collection[T] = (),
    most: int = 40,
    progress: Callable[[Progress], None] = lambda _progress: None,
) -> Isolated[T]:
    """The smallest sets of differences that fail, with at most `most` boots altogether. Deterministic.

    `fails` is asked about a set of differences added to the passing environment; that none of them passes and that all
    of them fail is taken to be known. No set is asked about twice, but to verify. Where the boots are used up, or
    `fails` raises `OutOfBoots`, the smallest set known to fail is given, and neither `minimal` nor `verified`.
    `verifies` is asked in place of `fails` for what verifies the result, also of sets that are known: a slower oracle
    whose word counts. Whether the `cheap` ones fail by themselves is asked first; where they do, the others are left
    alone.

    Raises:
        ValueError: a difference comes twice, or there are none.
    """
    if not differences or len(set(differences)) != len(differences):
        raise ValueError("expected differences, each once")
    search = _Search(differences, fails, verifies=verifies, cheap=cheap, most=most, progress=progress)
    try:
        await search.until_removing_them_passes()
    except OutOfBoots:
        return search.result(finished=False)
    return search.result(finished=True)


class _Search(Generic[T]):
    """One search: `known` remembers every answer, `least` is the smallest set known to fail that is being reduced."""

    def __init__(
        self,
        differences: Sequence[T],
        fails: Fails[T],
        *,
        verifies: Fails[T] | None,
        cheap: Collection[T],
        most: int,
        progress: Callable[[Progress], None],
    ) -> None:
        self.everything = tuple(differences)
        self.known: dict[frozenset[T], bool] = {frozenset(): False, frozenset(differences): True}
        self.causes: list[tuple[T, ...]] = []
        self.least: tuple[T, ...] = self.everything
        self.flaky: list[frozenset[T]] = []
        self.boots = 0
        self.verifying = 0
        self._begun = 0
        self.verified = False
        self._fails, self._surer, self._most, self._progress = fails, verifies, most, progress
        self._cheap = frozenset(cheap)
        self._places = {one: place for place, one in enumerate(differences)}

    async def until_removing_them_passes(self) -> None:
        """Find one cause after the other, and verify them, until without them the failing environment passes."""
        rest = self.everything
        sound = True
        while True:
            self.least = rest
            self.causes.append(await self._cause(rest))
            cause = frozenset(self.causes[-1])
            self.least = self.everything
            rest = tuple(one for one in rest if one not in cause)
            # Neither answer changes the other question, so both boots are made at the same time.
            again, still_fails = await together(
                self._asked_again(cause, expected=True), self._verifies(frozenset(rest))
            )
            sound &= again
            if not still_fails:
                self.verified = sound and not self.flaky
                return
            if await self._asked_again(frozenset(), expected=False) and len(self.causes) < _MOST_CAUSES:
                continue
            if self._starts_failing():
                self.causes.clear()
            return

    async def _cause(self, failing: tuple[T, ...]) -> tuple[T, ...]:
        """A 1-minimal part of a set that fails."""
        kept: tuple[T, ...] = ()
        before = await self._narrowed(failing)
        while not await self._asked(kept):
            place = await self._end_of_failing_prefix(before, kept)
            kept, before = (*kept, before[place]), before[:place]
            self.least = (*before, *kept)
        self.least = kept
        return self._in_sequence(await self._irreducible(kept))

    async def _narrowed(self, failing: tuple[T, ...]) -> tuple[T, ...]:
        """Only the cheap ones of a set that fails, where those fail by themselves."""
        cheap = tuple(one for one in failing if one in self._cheap)
        if 0 < len(cheap) < len(failing) and await self._asked(cheap):
            self.least = cheap
            return cheap
        return failing

    async def _end_of_failing_prefix(self, row: tuple[T, ...], kept: tuple[T, ...]) -> int:
        """Where a prefix of the row ends that fails together with what was kept, and without its end passes."""
        passing, failing = 0, len(row)
        while failing - passing > 1:
            middle = (passing + failing) // 2
            if await self._asked((*row[:middle], *kept), bits=failing - passing):
                failing = middle
            else:
                passing = middle
        return failing - 1

    async def _irreducible(self, kept: tuple[T, ...]) -> tuple[T, ...]:
        """The same where leaving any one of it out passes; else what ddmin leaves of it."""
        if len(kept) > 1:
            for left_out in kept:
                smaller = tuple(one for one in kept if one != left_out)
                if await self._asked(smaller):
                    self.least = smaller
                    return await self._ddmin(smaller)
        return kept

    async def _ddmin(self, failing: tuple[T, ...]) -> tuple[T, ...]:
        parts = 2
        while len(failing) > 1:
            chunks = list(_split(failing, parts))
            complements = [tuple(one for one in failing if one not in chunk) for chunk in chunks]
            for at, smaller in enumerate((*chunks, *complements)):
                if await self._asked(smaller):
                    failing = self.least = smaller
                    parts = 2 if at < len(chunks) else max(parts - 1, 2)
                    break
            else:
                if parts >= len(failing):
                    break
                parts = 2 * parts
            parts = min(parts, len(failing))
        return failing

    async def _asked(self, several: Sequence[T], *, bits: int = 1) -> bool:
        """Whether that set fails: as it is known, or by a boot. `bits` is the size of the window that it halves."""
        wanted = frozenset(several)
        if wanted not in self.known:
            self.known[wanted] = await self._boot(wanted, left=max(bits - 1, 0).bit_length() + 3)
            self.boots += 1
        return self.known[wanted]

    async def _verifies(self, wanted: frozenset[T]) -> bool:
        """As `_asked`, but the boot counts as one that verifies; what another oracle said is not enough."""
        if wanted not in self.known or (self._surer is not None and wanted):
            answer = await self._boot(wanted, left=1, verifying=True)
            self.verifying += 1
            if self.known.setdefault(wanted, answer) is not answer:
                self.flaky.append(wanted)
                self.known[wanted] = answer
        return self.known[wanted]

    async def _asked_again(self, wanted: frozenset[T], *, expected: bool) -> bool:
        """Whether that set, asked once more, still gives the answer that it gave; if not, it is flaky."""
        answer = await self._boot(wanted, left=2, verifying=True)
        self.verifying += 1
        if answer is not self.known[wanted]:
            self.flaky.append(wanted)
        return answer is expected

    async def _boot(self, wanted: frozenset[T], *, left: int, verifying: bool = False) -> bool:
        if self._begun >= self._most:
            raise OutOfBoots
        self._progress(Progress(self._begun, min(left, self._most - self._begun)))
        self._begun += 1
        oracle = self._surer if verifying and self._surer is not None else self._fails
        return await oracle(wanted)

    def _starts_failing(self) -> bool:
        """Whether the passing environment was seen to fail."""
        return frozenset() in self.flaky

    def _in_sequence(self, several: Sequence[T]) -> tuple[T, ...]:
        return tuple(sorted(several, key=self._places.__getitem__))

    def _monotone(self) -> bool:
        passed = [one for one, failed in self.known.items() if not failed]
        return not any(failed < one for failed, answer in self.known.items() if answer for one in passed)

    def result(self, *, finished: bool) -> Isolated[T]:
        """What is known now. Unfinished before the first cause: the least set that fails."""
        searched = finished or bool(self.causes)
        causes = tuple(self.causes) if searched else (self._in_sequence(self.least),)
        return Isolated(
            causes=causes,
            minimal=bool(self.causes),
            verified=finished and self.verified,
            monotone=self._monotone(),
            flaky=tuple(self._in_sequence(tuple(one)) for one in self.flaky),
            boots=self.boots,
            verifying=self.verifying,
        )


def _split(several: tuple[T, ...], parts: int) -> Iterator[tuple[T, ...]]:
    """As many parts of nearly equal size, none of them empty where there are as many as that."""
    for at in range(parts):
        yield several[at * len(several) // parts : (at + 1) * len(several) // parts]
