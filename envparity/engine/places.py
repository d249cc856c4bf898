"""Who may boot now: as many at once as the machine bears, or one alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from envparity.support.stalls import STALLS, StallMark, processors

__all__ = ["Places"]

_MOST = 8
_BORNE_SHARE = 0.5  # more stall than that, and one boot less begins
_SPARE_SHARE = 0.3  # less than that, and one more may begin than there are places for at first
_LOOK_S = 2.0  # a figure of less time than that says nothing


class Places:
    """Places for boots. There are `most`, or at first one more than processors, because most of a boot is waiting.

    What the machine was stalled since the last look decides whether there is one fewer, or one more than are taken, up
    to the first number; where it hardly was and nobody has said how many, up to eight. There is always one. It is
    looked at whenever one is given back, and every two seconds as long as somebody waits: a long boot is not always
    busy. Boots that only wait for an idle time have as many places of their own as there are at first. `share` gives
    the stalled share since the last look, and `cores` how many processors there are; tests pass their own.
    """

    def __init__(
        self, most: int | None = None, share: Callable[[], float | None] | None = None, cores: int | None = None
    ) -> None:
        self._most = most or min((cores or processors()) + 1, _MOST)
        self._at_best = most or _MOST
        self.allowed = self._most
        self._share = share or self._measured
        self._mark: StallMark | None = None
        self._taken = {False: 0, True: 0}
        self._ahead: list[Callable[[], int]] = []
        self._alone = False
        self._wanting_alone = self._wanting = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def place(self, *, idle: bool = False) -> AsyncIterator[None]:
        """One of the places, for as long as this lasts; with `idle` one of those for who waits for an idle time."""
        async with self._changed:
            self._wanting += 1
            try:
                await self._until_free(idle=idle)
            finally:
                self._wanting -= 1
            self._taken[idle] += 1
            if self._mark is None:
                self._mark = STALLS.mark()
        try:
            yield
        finally:
            async with self._changed:
                self._taken[idle] -= 1
                self._adapt()
                self._changed.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nobody else has a place as long as this lasts. Whoever wants a place meanwhile waits."""
        async with self._changed:
            self._wanting_alone += 1
            try:
                await self._changed.wait_for(lambda: not self._alone and not any(self._taken.values()))
                self._alone = True
            finally:
                self._wanting_alone -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            async with self._changed:
                self._alone = False
                self._changed.notify_all()

    @contextmanager
    def booting_ahead(self, under_way: Callable[[], int]) -> Iterator[None]:
        """Count one who boots ahead of its own questions as long as this lasts; `under_way` such boots have places."""
        self._ahead.append(under_way)
        try:
            yield
        finally:
            self._ahead.remove(under_way)

    def is_spare(self, *, idle: bool = False) -> bool:
        """Whether one more may boot ahead: nobody waits for a place, and who does so keeps one for its question.

        In a place that there was at first: a search's own boots are not to be made slower by what it may never ask for.
        """
        ahead = sum(under_way() for under_way in self._ahead)
        usual = min(self.allowed, self._most)
        free = self._free(idle=idle) and self._taken[idle] < usual
        return self._wanting == 0 and free and ahead < usual - len(self._ahead)

    async def _until_free(self, *, idle: bool) -> None:
        while not self._free(idle=idle):
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._changed.wait()
            except TimeoutError:
                self._adapt()
                self._changed.notify_all()

    def _free(self, *, idle: bool) -> bool:
        most = self._most if idle else self.allowed
        return not self._alone and not self._wanting_alone and self._taken[idle] < most

    def _adapt(self) -> None:
        share = self._share()
        if share is None:
            return
        if share > _BORNE_SHARE:
            self.allowed = max(1, self.allowed - 1)
        else:
            most = self._at_best if share < _SPARE_SHARE else max(self._most, self.allowed)
            self.allowed = min(most, max(self.allowed, self._taken[False]) + 1)

    def _measured(self) -> float | None:
        """The share since the last look, None where that was just now."""
        if self._mark is None:
            return None
        stalls = STALLS.since(self._mark)
        if stalls.seconds < _LOOK_S:
            return None
        self._mark = STALLS.mark()
        return stalls.share
