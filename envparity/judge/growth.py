"""EP521: what grows with the number of connections that were made, and does not come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.record import Observation
from envparity.observe.usage import ReplicaUsage, Usage

__all__ = ["RULES", "SLOPE"]

_FEWEST = 15  # connections between two points, fewer of which say nothing of a slope
_LEAST = 5  # by so many it must have grown between two points
SLOPE = 0.2
"""So much more for each connection of a client is growth."""
_INTERVALS = 2  # one after the other: what is kept for the next user levels off, a leak does not

_FILES = "temporary files"
_Point = tuple[int, int]


def _grows(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """What a dependency's connections explain is told of them alone: each has a descriptor, and some a thread."""
    found = [item for item in _measured(observation.usage) if _is_growing(item[2])] if observation.usage else []
    told = [item for item in found if item[1] is not None or item[0] == _FILES]
    told = told if any(component is not None for _, component, _ in told) else found
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


def _labels(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """What metrics are told apart by whose values become more and more; one breach for each name of a label."""
    found: dict[str, list[str]] = {}
    for name, points in _by_name(observation.usage, lambda each: each.labels):
        if _is_unbounded(points):
            (made, before), (made_by_then, after) = points[0], points[-1]
            metric, _, label = name.removesuffix("}").partition("{")
            figures = f"{metric}: {before} values after {made} connections, {after} after {made_by_then}"
            found.setdefault(label, []).append(f"{observation.case.environment}: {figures}")
    for label, told in found.items():
        yield Breach(
            where=f"series of metrics by {label}",
            expected="labels whose values do not become more with the clients",
            got="series more with the clients, for as long as the process lives",
            nature="grows",
            evidence=tuple(map(Note, dict.fromkeys(told))),
        )


def _stays(observation: Observation) -> Iterator[Breach]:
    """A gauge of how many are there that has one more of those who have gone, round after round."""
    for name, points in _by_name(observation.usage, lambda each: each.present):
        if not _is_growing(points):
            continue
        (made, before), (made_by_then, after) = points[0], points[-1]
        figures = f"{name}: {before} after {made} connections, {after} after {made_by_then}, all of which are closed"
        yield Breach(
            where=f"gauge {name}",
            expected="as many as before, once the connections of all clients are closed",
            got="more with every connection",
            nature="grows",
            evidence=(Note(f"{observation.case.environment}: {figures}"),),
        )


def _growing(view: RunView, observation: Observation) -> Iterator[Breach]:
    yield from _grows(view, observation)
    yield from _labels(view, observation)
    yield from _stays(observation)


def _is_unbounded(points: Sequence[_Point]) -> bool:
    """Whether it grew in two rounds at least after the first, and never fell: who comes back brings nothing new."""
    values = [value for _, value in points]
    return sum(slope >= SLOPE for slope in _slopes(points)) >= _INTERVALS and values == sorted(values)


def _by_name(
    usage: Sequence[Usage], read: Callable[[Usage], Iterable[Mapping[str, float]]]
) -> Iterator[tuple[str, list[_Point]]]:
    """Each name of what is `read` of each replica, and its points: connections made, and how many in all replicas."""
    for name in dict.fromkeys(name for each_usage in usage[-1:] for there in read(each_usage) for name in there):
        yield (
            name,
            [
                (sum(each_usage.connections), round(sum(there.get(name, 0) for there in read(each_usage))))
                for each_usage in usage
            ],
        )


def _is_growing(points: Sequence[_Point]) -> bool:
    """Whether it grew between all that was played after the first round, and in two rounds at least."""
    slopes = list(_slopes(points))[-_INTERVALS:]
    return len(slopes) == _INTERVALS and all(slope >= SLOPE for slope in slopes)


def _measured(usage: Sequence[Usage]) -> Iterator[tuple[str, str | None, list[_Point]]]:
    """What was counted, what it is connected to where that is it, and its points: connections made, and how many."""
    for index in range(len(usage[0].connections)):
        seen = [
            (each_usage.connections[index], held)
            for each_usage in usage
            if (held := each_usage.replicas[index]) is not None
        ]
        counts: tuple[tuple[str, Callable[[ReplicaUsage], int | None]], ...] = (
            ("descriptors", lambda held: held.descriptors),
            ("threads", lambda held: held.threads),
            (_FILES, lambda held: held.files),
        )
        for what, of in counts:
            yield what, None, [(made, count) for made, held in seen if (count := of(held)) is not None]
    for name in usage[0].to:
        yield "connections", name, [(sum(each_usage.connections), each_usage.to.get(name, 0)) for each_usage in usage]


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
        Conduct("conversation", causes="hybrids", of_all_played=True, also="grows"),
        means="""
            Between the rounds of scenarios, when the connections of all clients are closed, a replica was looked at:
            its descriptors and threads, its temporary files, or its connections to a dependency grew each time by what
            was played; or the values of a label of its metrics did, round after round; or a gauge whose name is of how
            many are there (connections, clients, active, in progress, running tasks, goroutines) did. The first round,
            which fills pools and caches, does not count.
        """,
        matters="""
            After some thousand connections there are no descriptors left, no connections of the database, or no room on
            the disk. Of labels with the id of a user or a connection each value is a series that nobody takes away:
            pages of megabytes, and a Prometheus that falls over. By a gauge that only grows replicas are added that
            nobody needs, or clients refused for whom there is room.
        """,
        action="""
            Look for what is made for each connection and closed by nobody: a client, a subscription, a thread, a file.
            Take ids, and what a client writes (its User-Agent, its reason for closing), out of labels; they belong in
            logs. Count out in a finally what was counted in.
        """,
        example="local: 1.1 connections a connection of a client: 3 after 0, 76 after 64",
        check=_growing,
    ),
)
