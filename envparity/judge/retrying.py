"""How a backend tries to come back to a dependency that is away, in figures. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from envparity.observe.disturbed import ConnectionAttempt, OutageSeen

__all__ = ["busiest_second", "by_replica", "figures", "in_step", "steady_rate"]

_SETTLED_S = 0.5
"""What is tried in the first moments is the same request once more on every connection of a pool, and no rhythm."""

_SHORTEST_S = 2.0
"""An outage that is shorter shows no rhythm."""

_OCCASION_S = 0.05
"""What a replica tries within so short a time is one occasion: a library that tries again at once, a pool."""

_FEWEST_IN_STEP = 5
_ALIKE_S = 0.02
_ALIKE = 0.05
"""Attempts of two replicas are in step that are no further apart than this, or this part of the pause before them, each
counted from the first one of its replica.
"""


def by_replica(outage: OutageSeen) -> Mapping[int | None, Sequence[float]]:
    """The moments at which each replica tried, in seconds since the dependency went away."""
    tried: dict[int | None, list[float]] = defaultdict(list)
    for attempt in outage.attempts:
        tried[attempt.replica].append(attempt.at_s)
    return tried


def busiest_second(outage: OutageSeen, replicas: int) -> float:
    """The most attempts in one second once the first moments are over, for each of so many replicas.

    Where more were made than are listed, those that are not listed are taken to be as dense as the whole.
    """
    began_s = min((attempt.at_s for attempt in outage.attempts), default=0.0)
    times = [attempt.at_s for attempt in outage.attempts if attempt.at_s >= began_s + _SETTLED_S]
    most = max((sum(at <= other < at + 1 for other in times) for at in times), default=0)
    if outage.more and outage.lasted_s > 0:
        most = max(most, int(outage.tried / max(outage.lasted_s, 1.0)))
    return most / max(replicas, 1)


def steady_rate(outage: OutageSeen, replicas: int) -> float | None:
    """Occasions in a second in the last half of the time, of the replica with most; None where each made fewer.

    Each is judged by itself, from its own first attempt on: one that starts in the middle tries often when others try
    seldom. What nobody knows the replica of is taken to be of so many alike. A time that is too short does not say.
    """
    tried = by_replica(outage)
    more = outage.more / max(len(tried), 1)
    rates = [
        rate / (max(replicas, 1) if who is None else 1)
        for who, times in tried.items()
        if (rate := _steady(_occasions(times), outage.lasted_s, more)) is not None
    ]
    return max(rates, default=None)


def _steady(tried: Sequence[float], end_s: float, more: float) -> float | None:
    """Occasions in a second in the last half of the time since the first; None where they became fewer.

    They did where there are less than half as many as in the first half, and where one half of the last half has less
    than its share: what somebody asks for in one moment is no rhythm. `more` were made that are not listed.
    """
    began_s = min(tried, default=0.0)
    if end_s - began_s < _SHORTEST_S:
        return None
    middle_s, late_s = (began_s + end_s) / 2, (began_s + 3 * end_s) / 4

    def rate(from_s: float, to_s: float) -> float:
        return sum(from_s <= at_s < to_s for at_s in tried) / (to_s - from_s)

    unlisted = more / (end_s - middle_s)  # whoever is that quick has filled the list by then
    last = rate(middle_s, end_s) + unlisted
    fewer = last < rate(began_s + _SETTLED_S, middle_s) / 2
    uneven = min(rate(middle_s, late_s), rate(late_s, end_s)) + unlisted <= last / 2
    return None if fewer or uneven else last


def in_step(outage: OutageSeen) -> tuple[int, int, int] | None:
    """Two replicas that tried after the same pauses, and how often; None where no two are in step.

    That one of them was a moment later in noticing changes nothing: without chance they meet again the next time.
    """
    known = sorted((value, _occasions(times)) for value, times in by_replica(outage).items() if value is not None)
    for place, (first, times) in enumerate(known):
        for other, others in known[place + 1 :]:
            both = list(zip(times, others, strict=False))
            if len(both) >= _FEWEST_IN_STEP and all(
                _together(times, index, others[index] - others[0]) for index in range(len(both))
            ):
                return first, other, len(both)
    return None


def figures(outage: OutageSeen) -> str:
    """How often it was tried, and the pauses: what a finding shows."""
    if not outage.seen:
        return f"away for {outage.lasted_s:.1f} s; who tries to connect and is refused, nobody here may see"
    gaps = [f"{gap * 1000:.0f}" for gap in _gaps(outage.attempts)]
    shown = ", ".join(gaps[:8]) + (", …" if len(gaps) > 8 else "")
    middle = f"; the middle one {median(map(float, gaps)):.0f} ms" if len(gaps) > 8 else ""
    pauses = f"; pauses of {shown} ms{middle}" if gaps else ""
    return f"{outage.tried} attempts to connect in {outage.lasted_s:.1f} s{pauses}"


def _occasions(times: Sequence[float]) -> list[float]:
    """The moments at which one replica began to try, of all at which it did."""
    began: list[float] = []
    for at_s in sorted(times):
        if not began or at_s - began[-1] >= _OCCASION_S:
            began.append(at_s)
    return began


def _together(times: Sequence[float], index: int, other_s: float) -> bool:
    pause_s = times[index] - times[index - 1] if index else 0.0
    return abs(times[index] - times[0] - other_s) <= max(_ALIKE_S, _ALIKE * pause_s)


def _gaps(attempts: Sequence[ConnectionAttempt]) -> Iterator[float]:
    for before, after in pairwise(attempts):
        yield after.at_s - before.at_s
