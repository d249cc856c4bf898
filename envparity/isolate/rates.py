"""Sequential tests of how often something shows: Wald, "Sequential Tests of Statistical Hypotheses", 1945.

After every boot there are three ends: one hypothesis, the other, or not enough seen yet. Each test is cut off after so
many boots; what is not decided by then cannot be said. What made somebody ask is not counted, in any of them: whoever
counts the boot that he asks because of takes what is rare for frequent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from enum import Enum
from itertools import count
from math import ceil, comb, log
from typing import TypeVar

__all__ = [
    "ERROR",
    "MOST_BOOTS",
    "MOST_PAIRS",
    "NOTHING_SEEN",
    "SEVERAL_ERROR",
    "STRICT_ERROR",
    "BootsAlone",
    "BootsOfOne",
    "PairsOfBoots",
    "Rates",
    "Shows",
    "boots_to_see",
    "shows_more_often",
    "times_more",
    "told_by_chance",
    "without_innocents",
]

T = TypeVar("T", bound=Hashable)

ERROR = 0.05
"""How often chance alone may be taken for a difference, at most, and a difference for chance: alpha and beta."""

ONE_SIDED = 10 / 11
"""Where two rates differ in odds of 10 to 1, so many of the pairs that are unlike show it in the first one."""

APART = 0.5
"""How far apart two rates are that a row of pairs without an unlike one is to tell from equal ones."""

MOST_PAIRS = 16
"""How many pairs of boots a test of two rates takes at most."""

NOTHING_SEEN = 8
"""After so many pairs in which nothing shows at all, nobody waits any longer."""

MOST_BOOTS = 12
"""How many boots a test of one rate takes at most."""

SEVERAL_ERROR = 0.01
"""The same for a cause of several parts, each of which may be there by chance."""

STRICT_ERROR = 0.001
"""The same for a question that is asked a second time because the first answer may be one of those in twenty."""

MOST_STRICT_BOOTS = 24
"""How many boots such a test takes at most."""


def _bound(error: float) -> float:
    """The evidence at which a test with that error is over."""
    return log((1 - error) / error)


_BOUND = _bound(ERROR)


class Rates(Enum):
    """What is known of two rates."""

    DIFFER = "differ"
    SAME = "same"
    CANNOT_SAY = "cannot say"


@dataclass(frozen=True)
class PairsOfBoots:
    """Boots of two places, counted in pairs: `shown` of `of` here, and `elsewhere` of as many there.

    Only pairs that are unlike say something of whether it shows more often here. Where the rates are equal, half of
    those show it here alone (p0 = 1/2, whatever the rates are); where they differ by odds of 10 to 1, 10 of 11 do
    (p1 = 10/11). Where not even one is unlike, the rates are not half and more apart, or that would have shown.
    """

    shown: int = 0
    elsewhere: int = 0
    of: int = 0
    only_here: int = 0
    only_there: int = 0

    def and_then(self, *, here: bool, there: bool) -> PairsOfBoots:
        """With one pair more."""
        return PairsOfBoots(
            self.shown + here,
            self.elsewhere + there,
            self.of + 1,
            self.only_here + (here and not there),
            self.only_there + (there and not here),
        )

    @property
    def rates(self) -> Rates:
        """What is known by now. As long as it is `CANNOT_SAY` and not `over`, more pairs may say more."""
        evidence = self.only_here * log(ONE_SIDED / 0.5) + self.only_there * log((1 - ONE_SIDED) / 0.5)
        if evidence >= _BOUND:
            return Rates.DIFFER
        none_unlike = not self.only_here and not self.only_there and (1 - APART) ** self.of <= ERROR
        if evidence <= -_BOUND or (none_unlike and self.shown):
            return Rates.SAME
        return Rates.CANNOT_SAY

    @property
    def always(self) -> bool:
        """Whether it showed each time in both places, and more than once: the boot that passed is what was chance."""
        return self.shown == self.elsewhere == self.of > 1

    @property
    def over(self) -> bool:
        """Whether more pairs are not made."""
        nothing = not self.shown and not self.elsewhere and self.of >= NOTHING_SEEN
        return self.rates is not Rates.CANNOT_SAY or nothing or self.of >= MOST_PAIRS


@dataclass(frozen=True)
class BootsAlone:
    """Boots of one place with which no other is compared: it shows in `shown` of `of`."""

    shown: int = 0
    of: int = 0

    def and_then(self, *, here: bool) -> BootsAlone:
        """With one boot more."""
        return BootsAlone(self.shown + here, self.of + 1)

    @property
    def over(self) -> bool:
        """Whether more boots are not made: it did not come again, or it did and more than once, or so many are made."""
        return self.of >= MOST_PAIRS or (self.of >= NOTHING_SEEN and self.shown != 1)


class Shows(Enum):
    """Which of two rates something shows at."""

    OFTEN = "often"
    SELDOM = "seldom"
    CANNOT_SAY = "cannot say"


@dataclass(frozen=True)
class BootsOfOne:
    """Boots of one place, of which it is known that it shows at the rate `seldom` (p0) or at the rate `often` (p1)."""

    seldom: float
    often: float
    shown: int = 0
    of: int = 0
    error: float = ERROR
    most: int = MOST_BOOTS

    @classmethod
    def between(cls, shown: int, of: int, elsewhere: int, of_elsewhere: int) -> BootsOfOne:
        """Which of two rates it is that were counted elsewhere. Half a boot is added to each: none is 0 or 1."""
        return cls(seldom=(elsewhere + 0.5) / (of_elsewhere + 1), often=(shown + 0.5) / (of + 1))

    @property
    def strict(self) -> BootsOfOne:
        """The same question anew, to be sure of an answer that was given to it: with `STRICT_ERROR`.

        The rates were counted in few boots, which may have shown more of it than most: they are taken a little nearer
        to one another, so that no boot says too much.
        """
        nearer = (self.often - self.seldom) / 10
        return BootsOfOne(self.seldom + nearer, self.often - nearer, error=STRICT_ERROR, most=MOST_STRICT_BOOTS)

    def and_then(self, *, here: bool) -> BootsOfOne:
        """With one boot more."""
        return replace(self, shown=self.shown + here, of=self.of + 1)

    @property
    def shows(self) -> Shows:
        """Which of the two it is, as far as is known."""
        silent = self.of - self.shown
        evidence = self.shown * log(self.often / self.seldom) + silent * log((1 - self.often) / (1 - self.seldom))
        bound = _bound(self.error)
        if evidence >= bound:
            return Shows.OFTEN
        return Shows.SELDOM if evidence <= -bound else Shows.CANNOT_SAY

    @property
    def over(self) -> bool:
        """Whether more boots are not made."""
        return self.shows is not Shows.CANNOT_SAY or self.of >= self.most


def told_by_chance(with_it: int, without: int) -> float:
    """How likely chance alone shows it in every one of so many boots, and in none of so many others, at most.

    At whatever rate it shows, the same in all of them. Above `ERROR`, nothing follows from such boots.
    """
    boots = with_it + without
    if not with_it or not without:
        return 1.0
    return float((with_it / boots) ** with_it * (without / boots) ** without)


def times_more(error: float) -> int:
    """How often more a cause is shown, and its absence, until chance explains what was seen in no more than that share.

    It was shown twice and its absence once by then.
    """
    return next(times for times in count(1) if told_by_chance(2 + times, 1 + times) <= error)


def shows_more_often(shown: int, of: int, elsewhere: int, of_elsewhere: int) -> bool:
    """Whether `shown` of `of` is more than chance makes of `elsewhere` of `of_elsewhere`: Fisher's exact test.

    For boots whose number was fixed beforehand. Where both have the same rate, this is True in no more than a share of
    `ERROR` of all cases.
    """
    total, both = of + of_elsewhere, shown + elsewhere
    ways = sum(comb(of, k) * comb(of_elsewhere, both - k) for k in range(shown, min(of, both) + 1) if both - k >= 0)
    return ways / comb(total, both) <= ERROR


def boots_to_see(shown: int, of: int) -> int:
    """How many boots in a row without it say that it is not there, where it shows in `shown` of `of`.

    Where that is the rate, it is overlooked in no more than a share of `ERROR` of all cases.
    """
    rate = (shown + 0.5) / (of + 1)
    return max(1, ceil(log(ERROR) / log(1 - rate)))


async def without_innocents(
    cause: tuple[T, ...], strictly: Callable[[frozenset[T]], Awaitable[Shows]]
) -> tuple[T, ...]:
    """That cause without each part that it shows as often without, asked once more and strictly.

    Each test of the search is wrong in so many of a hundred cases, and one that took a cause for nothing is seen at
    what it leaves: it needs a second part, which is any.
    """
    for part in cause:
        rest = tuple(trait for trait in cause if trait != part)
        if rest and await strictly(frozenset(rest)) is Shows.OFTEN:
            return await without_innocents(rest, strictly)
    return cause
