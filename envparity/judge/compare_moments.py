"""Moments of two boots held side by side, each by how far it is from when it arrived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from envparity.judge.canonical import Item, connections
from envparity.judge.moments import Moment, apart, stands_still
from envparity.model.backend import Backend
from envparity.observe.record import Observation

__all__ = ["BootMoments", "moments_apart"]


class BootMoments:
    """What one boot said of time, in every play of every scenario."""

    def __init__(self, backend: Backend, observation: Observation) -> None:
        self._backend, self._observation = backend, observation

    @property
    def comparable(self) -> bool:
        """Whether its moments say something of its environment: it has no clocks of its own, nor what is days old."""
        return not self._observation.case.boot.clocks and self._observation.attached is None

    def age_s(self, moment: Moment) -> float:
        """For how many seconds the boot had been played with when that moment arrived."""
        return max(moment.arrived - self._began, 0.0)

    def stands_still(self, item: Item, path: str) -> bool:
        """Whether that field says the same moment throughout the boot, wherever frames of that name have it."""
        return stands_still(self._seen.get((item.name, path), []))

    @cached_property
    def _began(self) -> float:
        plays = (*self._observation.transcripts, *self._observation.control)
        return min((play.began for play in plays if play.began is not None), default=0.0)

    @cached_property
    def _seen(self) -> Mapping[tuple[str, str], list[Moment]]:
        seen: dict[tuple[str, str], list[Moment]] = {}
        for play in (*self._observation.transcripts, *self._observation.control):
            for items in connections(self._backend, play).values():
                for item in items:
                    for path, moment in item.moments.items():
                        seen.setdefault((item.name, path), []).append(moment)
        return seen


def moments_apart(
    boots: tuple[BootMoments, BootMoments], item: Item, other: Item
) -> Iterator[tuple[str, Moment, Moment]]:
    """The fields of two frames that are moments, and not equally far from when their frames arrived."""
    first, second = boots
    if not (first.comparable and second.comparable):
        return
    for path in sorted(item.moments.keys() & other.moments.keys()):
        if item.fields.get(path) != other.fields.get(path):
            continue  # one of them is compared as what the script says of it
        before, after = item.moments[path], other.moments[path]
        age_s = max(first.age_s(before), second.age_s(after))
        if apart(before, after, age_s) and not (first.stands_still(item, path) or second.stands_still(other, path)):
            yield path, before, after
