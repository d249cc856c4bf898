"""How a backend tries to come back to a dependency that is away, in figures. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from envparity.observe.disturbed import Attempt, OutageSeen

__all__ = ["busiest_second", "by_replica", "figures", "in_step", "steady_rate"]

_SETTLED_S = 0.5
"""What is tried in the first moments is the same request once more on every connection of a pool, and no rhythm."""

_SHORTEST_S = 2.0
"""An outage that is shorter shows no rhythm."""

_FEWEST_IN_STEP = 5
_ALIKE_S = 0.02
_ALIKE = 0.1
"""Attempts of two replicas that are no further apart than this, or this part of the pause before them, are in step."""


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
    times = [one.at_s for one in outage.attempts if one.at_s >= _SETTLED_S]
    most = max((sum(at <= other < at + 1 for other in times) for at in times), default=0)
    if outage.more and outage.lasted_s > 0:
        most = max(most, int(outage.tried / max(outage.lasted_s, 1.0)))
    return most / max(replicas, 1)


def steady_rate(outage: OutageSeen, replicas: int) -> float | None:
    """Attempts in a second in the last half of the time, for each replica; None where they became fewer.

    They did where there are less than half as many as in the first half, or where the time was too short to say.
    """
    if outage.lasted_s < _SHORTEST_S:
        return None
    middle_s = outage.lasted_s / 2
    first = [one for one in outage.attempts if _SETTLED_S <= one.at_s < middle_s]
    last = [one for one in outage.attempts if one.at_s >= middle_s]
    per_second = len(first) / max(middle_s - _SETTLED_S, 0.1)
    rate = (len(last) + outage.more) / middle_s
    return None if rate < per_second / 2 else rate / max(replicas, 1)


def in_step(outage: OutageSeen) -> tuple[int, int, int] | None:
    """Two replicas whose attempts came in the same moments, and how many did; None where no two are in step."""
    known = sorted((one, times) for one, times in by_replica(outage).items() if one is not None)
    for place, (one, times) in enumerate(known):
        for other, others in known[place + 1 :]:
            both = list(zip(times, others, strict=False))
            if len(both) >= _FEWEST_IN_STEP and all(
                _together(times, index, others[index]) for index in range(len(both))
            ):
                return one, other, len(both)
    return None


def figures(outage: OutageSeen) -> str:
    """How often it was tried, and the pauses: what a finding shows."""
    gaps = [f"{gap * 1000:.0f}" for gap in _gaps(outage.attempts)]
    shown = ", ".join(gaps[:8]) + (", …" if len(gaps) > 8 else "")
    middle = f"; the middle one {median(map(float, gaps)):.0f} ms" if len(gaps) > 8 else ""
    pauses = f"; pauses of {shown} ms{middle}" if gaps else ""
    return f"{outage.tried} attempts to connect in {outage.lasted_s:.1f} s{pauses}"


def _together(times: Sequence[float], index: int, other_s: float) -> bool:
    pause_s = times[index] - times[index - 1] if index else 0.0
    return abs(times[index] - other_s) <= max(_ALIKE_S, _ALIKE * pause_s)


def _gaps(attempts: Sequence[Attempt]) -> Iterator[float]:
    for before, after in pairwise(attempts):
        yield after.at_s - before.at_s
