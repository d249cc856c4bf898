"""Moments of frames held against the moment in which each frame arrived, and what is said of the distance.

A backend that writes its machine's local time and calls it UTC is hours off wherever that machine's zone is not UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Moment", "apart", "in_words", "stands_still"]

_TOLERANCE_S = 600.0  # a busy machine is late by a minute, and what is told may be some minutes old
_A_MOMENT_S = 2.0  # arrivals nearer than that may show the same second
_FARTHEST_S = 27 * 3600.0  # between two time zones, and a margin
_ARRIVAL = "when it arrived"
_WORDS_S = 300  # to what a distance is rounded in words, so that they are the same in every boot


@dataclass(frozen=True)
class Moment:
    """A moment as a frame has it: the text, the seconds since the epoch that it says, and those of its arrival."""

    text: str
    said: float
    arrived: float

    @property
    def ahead_s(self) -> float:
        """By how many seconds it is ahead of its arrival; negative: behind it."""
        return self.said - self.arrived


def apart(moment: Moment, other: Moment, age_s: float) -> bool:
    """Whether the two are not equally far from their arrival, by more than any boot explains.

    `age_s` is for how many seconds the older of the boots was played with: what happened in it is no older than that.
    """
    return moment.text != other.text and abs(moment.ahead_s - other.ahead_s) > _TOLERANCE_S + age_s


def stands_still(seen: Sequence[Moment]) -> bool:
    """Whether what a field said did not go on while time did: a date of release, a start, a build.

    Where all that is known arrived in one moment, it is taken for one if no time zone explains how far it is off.
    """
    if not seen or len({moment.text for moment in seen}) > 1:
        return False
    arrived = [moment.arrived for moment in seen]
    return max(arrived) - min(arrived) >= _A_MOMENT_S or abs(seen[0].ahead_s) > _FARTHEST_S


def in_words(moment: Moment) -> str:
    """`5 h 45 min ahead of when it arrived`, to five minutes; `when it arrived` where the distance says nothing."""
    if abs(moment.ahead_s) <= _TOLERANCE_S:
        return _ARRIVAL
    minutes = round(abs(moment.ahead_s) / _WORDS_S) * (_WORDS_S // 60)
    amounts = zip((*divmod(minutes // 60, 24), minutes % 60), ("d", "h", "min"), strict=True)
    told = " ".join(f"{amount} {unit}" for amount, unit in amounts if amount)
    return f"{told} {'ahead of' if moment.ahead_s > 0 else 'before'} {_ARRIVAL}"
