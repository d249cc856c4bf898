"""EP521: what grows with the number of connections that were made, and does not come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.record import Observation, Usage

__all__ = ["RULES"]

_FEWEST = 15  # connections between two points, fewer of which say nothing of a slope
_LEAST = 5  # by so many it must have grown between two points
_SLOPE = 0.2  # a connection
_INTERVALS = 2  # one after the other: what is kept for the next user levels off, a leak does not

_Point = tuple[int, int]


def _grows(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """What a dependency's connections explain is told of them alone: each has a descriptor."""
    found = [one for one in _measured(observation.usage) if _is_growing(one[2])] if observation.usage else []
    told = [one for one in found if one[1] is not None] or found
    for what, component, points in told:
        (made, before), (made_by_then, after) = points[0], points[-1]
        slope = (after - before) / max(made_by_then - made, 1)
        figures = f"{before} after {made}, {after} after {made_by_then}"
        yield Breach(
            where=what if component is None else f"{what} to {component}",
            expected="as many as before, once the connections of all clients are closed",
            got="more with every connection",
            component=component,
            nature="grows",
            evidence=(Note(f"{observation.case.environment}: {slope:.1f} {what} a connection of a client: {figures}"),),
        )


def _is_growing(points: Sequence[_Point]) -> bool:
    """Whether it grew between all that was played after the first round, and in two rounds at least."""
    slopes = list(_slopes(points))[-_INTERVALS:]
    return len(slopes) == _INTERVALS and all(slope >= _SLOPE for slope in slopes)


def _measured(usage: Sequence[Usage]) -> Iterator[tuple[str, str | None, list[_Point]]]:
    """What was counted, what it is connected to where that is it, and its points: connections made, and how many."""
    for index in range(len(usage[0].connections)):
        seen = [(one.connections[index], held) for one in usage if (held := one.replicas[index]) is not None]
        for what, of in (("descriptors", "descriptors"), ("threads", "threads")):
            yield what, None, [(made, int(getattr(held, of))) for made, held in seen]
    for name in usage[0].to:
        yield "connections", name, [(sum(one.connections), one.to.get(name, 0)) for one in usage]


def _slopes(points: Sequence[_Point]) -> Iterator[float]:
    """Between points that are far enough from each other, after the first, which warms up; 0 for what hardly grew."""
    if len(points) < 1 + _INTERVALS:
        return
    before = points[1]
    for point in points[2:]:
        made, grown = point[0] - before[0], point[1] - before[1]
        if made < _FEWEST:
            continue
        yield grown / made if grown >= _LEAST else 0.0
        before = point


RULES: tuple[Rule, ...] = (
    contract(
        "EP521",
        "something grows with every connection",
        Conduct("conversation", causes="hybrids", of_all_played=True),
        means="""
            Between the rounds of scenarios, when the connections of all clients are closed, a replica was looked at:
            its descriptors and threads, and its connections to each dependency, grew each time by what was played. The
            first round, which fills pools and caches, does not count.
        """,
        matters="After some thousand connections there are no descriptors left, or no connections of the database.",
        action="Look for what is made for each connection and closed by nobody: a client, a subscription, a thread.",
        example="local: 1.1 connections a connection of a client: 3 after 0, 76 after 64",
        check=_grows,
    ),
)
