"""Boots made ahead: those that a search for a cause will probably ask for, in places that nobody else wants.

A search asks one question after the other, and most of a boot is waiting. Which questions come next is known but for
the answers: so the search is played through with each cause that what is known by now allows, and the hybrids that most
of these ask for are booted. The search itself knows nothing of it. It asks what it would have asked, in the same
sequence, and finds some of the boots made, or under way. What it never asks for is counted by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from itertools import combinations
from types import TracebackType
from typing import Self

from envparity.engine.hybrids import Hybrids, HybridShown
from envparity.engine.known_boots import Question
from envparity.engine.oracle import AnswersQuestions, Oracle
from envparity.engine.ranking import weights
from envparity.isolate import Outcome, OutOfBoots, Part, SearchProgress, Trait

__all__ = ["Foresight"]

_INGRESS = Part("ingress")
_MOST_PLAYED_THROUGH = 16
_WORTH_IT = 0.4
"""How much of what is played through must ask for a boot that is made ahead: each half of a bisection is one of two."""


Search = Callable[[AnswersQuestions], Awaitable[object]]
"""A search, as it is made of whoever answers."""

_Supposed = Callable[[Hybrids, frozenset[Trait]], bool]
"""Whether a hybrid would show the failure, if what is supposed were its cause."""


class Foresight:
    """Boots ahead what `search` will probably ask of these hybrids, as long as the context lasts.

    `oracle` is who answers in the end: it knows what a boot says of the finding, and what speaks for a trait.
    """

    def __init__(self, hybrids: Hybrids, search: Search, oracle: Oracle, until_s: float) -> None:
        self._search, self._said, self._until_s = search, oracle.said, until_s
        behind = hybrids.behind_an_ingress()
        self._hybrids = (hybrids,) if behind is None else (hybrids, behind)
        self._weights = weights(self._hybrids[-1].traits, oracle.evidence, hybrids.failing)
        self._exits = contextlib.ExitStack()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        for hybrids in self._hybrids:
            hybrids.boots.on_news = self._news.set
        self._news.set()
        self._exits.enter_context(self._hybrids[0].places.booting_ahead(self._under_way))
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for hybrids in self._hybrids:
            await hybrids.boots.stop()
        self._exits.close()

    @property
    def needless(self) -> int:
        """How many boots were begun ahead that nobody has asked for by now."""
        return sum(hybrids.boots.unasked for hybrids in self._hybrids)

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._hybrids[0].has_room_ahead():
                for hybrids, question in await self._probable():
                    if self._hybrids[0].has_room_ahead() and hybrids.boots.is_open(question):
                        hybrids.begin_ahead(question, self._until_s)

    def _under_way(self) -> int:
        return sum(hybrids.boots.under_way for hybrids in self._hybrids)

    async def _probable(self) -> list[tuple[Hybrids, Question]]:
        """What is not booted yet and is asked for by most of what may be the cause, the most probable first."""
        asked: Counter[tuple[int, Question]] = Counter()
        whole = 0
        for weight, supposed in self._suppositions():
            through = _PlayedThrough(self._hybrids[0], self._said, supposed)
            with contextlib.suppress(OutOfBoots):
                await self._search(through)
            whole += weight
            for place in dict.fromkeys((self._hybrids.index(by), question) for by, question in through.asked):
                asked[place] += weight
        worth_it = [place for place, weight in asked.most_common() if weight >= _WORTH_IT * whole]
        return [(self._hybrids[at], question) for at, question in worth_it]

    def _suppositions(self) -> Iterator[tuple[int, _Supposed]]:
        """What may be the cause: single traits as fine as they get, the ingress itself, or else pairs of traits."""
        finest = self._hybrids[-1].traits
        for several in (1, 2):
            sets = list(combinations(finest, several))
            if len(self._hybrids) > 1 and several == 1:
                sets.append(())
            consistent = [set_ for set_ in sets if self._is_consistent(_supposing(set_))]
            if consistent:
                heavy = sorted(consistent, key=lambda value: -self._weight(value))[:1]
                for pair in dict.fromkeys((*heavy, *_evenly(consistent, _MOST_PLAYED_THROUGH))):
                    yield self._weight(pair), _supposing(pair)
                return

    def _weight(self, cause: Sequence[Trait]) -> int:
        return 1 + sum(self._weights.get(trait, 0) for trait in cause)

    def _is_consistent(self, supposed: _Supposed) -> bool:
        """Whether no boot that was made says otherwise."""
        return all(
            supposed(hybrids, traits) is outcome.fails
            for hybrids in self._hybrids
            for traits, shown in hybrids.boots.all_come_to()
            if (outcome := self._said(shown)) is not Outcome.UNKNOWN
        )


class _PlayedThrough:
    """Answers a search by what is known and supposed, and notes which cold boots it would have made."""

    def __init__(
        self,
        hybrids: Hybrids,
        said: Callable[[HybridShown], Outcome],
        supposed: _Supposed,
        asked: list[tuple[Hybrids, Question]] | None = None,
    ) -> None:
        self._hybrids, self._said, self._supposed = hybrids, said, supposed
        self.asked: list[tuple[Hybrids, Question]] = [] if asked is None else asked
        self._times: Counter[tuple[frozenset[Trait], bool]] = Counter()
        self.unsteady = False
        self.forks = 0

    def of(self, hybrids: Hybrids) -> Self:
        return type(self)(hybrids, self._said, self._supposed, self.asked)

    def tell(self, progress: SearchProgress) -> None:
        """Nobody is waiting for it."""

    def contradicted(self, causes: Iterable[Collection[Trait]]) -> bool:
        del causes
        return False  # what is supposed is what no boot contradicts

    async def cold(self, traits: frozenset[Trait]) -> Outcome:
        return self._answer(traits, warm=False, twice=False)

    async def twice(self, traits: frozenset[Trait]) -> Outcome:
        return self._answer(traits, warm=False, twice=True)

    async def quick(self, traits: frozenset[Trait]) -> Outcome:
        return self._answer(traits, warm=self._hybrids.warm(traits), twice=False)

    def _answer(self, traits: frozenset[Trait], *, warm: bool, twice: bool) -> Outcome:
        nth = self._times[traits, warm]
        self._times[traits, warm] += 1
        question = Question(traits, nth, warm, twice)
        shown = self._hybrids.boots.come_to(question)
        if shown is not None:
            return self._said(shown)
        if not warm:
            self.asked.append((self._hybrids, question))
        return Outcome.SHOWS if self._supposed(self._hybrids, traits) else Outcome.PASSES


def _supposing(cause: Collection[Trait]) -> _Supposed:
    """All traits of the cause are needed; without any the ingress itself is the cause, whatever its properties."""

    def shows(hybrids: Hybrids, traits: frozenset[Trait]) -> bool:
        there = {part for trait in traits for part in trait.parts}
        ingress = hybrids.base.ingress.kind != "none" or _INGRESS in there
        if not cause:
            return ingress and hybrids.failing.ingress.kind != "none"
        parts = (part for trait in cause for part in trait.parts)
        return all(part in there or (part.area == "ingress" and _INGRESS in there) for part in parts)

    return shows


def _evenly(several: Sequence[tuple[Trait, ...]], most: int) -> list[tuple[Trait, ...]]:
    """At most so many of them, from beginning to end."""
    count = min(most, len(several))
    return [several[at * len(several) // count] for at in range(count)]
