"""EP523: what a connection leaves in a dependency, that stays there for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise

from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.record import Observation

__all__ = ["RULES"]

_A_VISIT = 0.4  # so many a visit, in each round: what is left by those alone who go without a close is half of them
_A_CONNECTION = 0.2  # so many a connection, where it is said what is meant to stay
_FEWEST = 15  # connections between two points, fewer of which say nothing of that
_LEAST = 5
_ROUNDS = 2
_MEMBERS = "members of "

_Point = tuple[int, int]
_Sort = tuple[str, str]


def _kept(view: RunView, observation: Observation) -> Iterator[Breach]:
    said = view.project.backend.keeps
    found = {held: (points, "said nothing") for held, points in _visited(observation) if _stays(points)}
    for held, points in _played(observation):
        if held[0] in said and held not in found and _grows(points):
            found[held] = points, "played the scenarios"
    for (dependency, sort), (points, did) in found.items():
        whole = sort.removeprefix(_MEMBERS)
        told = sort != whole and (dependency, whole) in found
        if told or any(fnmatchcase(name, glob) for glob in said.get(dependency, ()) for name in (sort, whole)):
            continue
        (made, before), (made_by_then, after) = points[0], points[-1]
        slope = (after - before) / max(made_by_then - made, 1)
        figures = f"{before} after {made}, {after} after {made_by_then}"
        environment = observation.case.environment
        yield Breach(
            where=f"{sort} in {dependency}",
            expected="nothing more for good, once the connections of all clients are closed",
            got="more with every connection, and without an end",
            component=dependency,
            nature="kept",
            evidence=(Note(f"{environment}: {slope:.1f} a connection of clients who {did}: {figures}"),),
        )


def _visited(observation: Observation) -> Iterator[tuple[_Sort, list[_Point]]]:
    """Each sort, and how much of it there was after so many visits of one user who said nothing."""
    visits = observation.visits
    for dependency, sorts in visits[-1].held.items() if visits else ():
        for sort in sorts:
            yield (
                (dependency, sort),
                [(looked.made, looked.held.get(dependency, {}).get(sort, 0)) for looked in visits],
            )


def _played(observation: Observation) -> Iterator[tuple[_Sort, list[_Point]]]:
    """The same between rounds of scenarios, but for the first, which fills what is there once."""
    usage = observation.usage[1:]
    for dependency, sorts in usage[-1].held.items() if usage else ():
        for sort in sorts:
            yield (
                (dependency, sort),
                [(sum(looked.connections), looked.held.get(dependency, {}).get(sort, 0)) for looked in usage],
            )


def _stays(points: Sequence[_Point]) -> bool:
    """Whether there was more after each round, by a part of its visits."""
    slopes = [(after[1] - before[1]) / max(after[0] - before[0], 1) for before, after in _pairs(points)]
    return len(slopes) >= _ROUNDS and all(slope >= _A_VISIT for slope in slopes)


def _grows(points: Sequence[_Point]) -> bool:
    """Whether it grew with the connections in two rounds at least, and never fell."""
    values = [value for _, value in points]
    grown = [
        (after[1] - before[1]) / (after[0] - before[0])
        for before, after in _pairs(points)
        if after[0] - before[0] >= _FEWEST and after[1] - before[1] >= _LEAST
    ]
    return values == sorted(values) and sum(slope >= _A_CONNECTION for slope in grown) >= _ROUNDS


def _pairs(points: Sequence[_Point]) -> Iterator[tuple[_Point, _Point]]:
    return pairwise(points)


RULES: tuple[Rule, ...] = (
    contract(
        "EP523",
        "something is kept for every connection",
        Conduct("conversation", causes="hybrids", of_all_played=True, also="grows"),
        means="""
            One user came and went again and again, with the same credential, and said nothing. Afterwards a dependency
            held more each time that does not end by itself: keys of Redis without an expiry, or members in them; rows
            of a database without a moment to come in them; queues, bindings and consumers of a broker. Of a dependency
            that the backend's file names under [keeps] it was looked at between the rounds of scenarios too: what grows
            there with connections, and is not named.
        """,
        matters="""
            What nobody takes away is there after a year, for every reload of every page: a Redis that is full refuses
            to write, or throws out what it should have kept, and a table of leftovers makes everything else slow.
        """,
        action="""
            Give it an expiry when it is written, or remove it when the connection ends, however that ends. What is
            meant to stay, such as a journal of connections, is named under [keeps] in the backend's file.
        """,
        example="""
            session:* in redis: expected nothing more for good, got more with every connection, and without an end:
            local: 1.0 a connection of clients who said nothing: 2 after 2, 22 after 22
        """,
        check=_kept,
    ),
)
