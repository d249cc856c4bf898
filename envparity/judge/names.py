"""EP207–209: values that ought to be the same across replicas and boots and are not, or are and ought not to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.name_values import NamesShown
from envparity.judge.rules import Conduct, Rule, parity
from envparity.judge.view import RunView
from envparity.model.names import DeclaredName

__all__ = ["RULES", "unlike_names"]

Among = Literal["replicas", "boots"]


_Pair = tuple[NamesShown, NamesShown]


@dataclass(frozen=True)
class _Relation:
    """How two of those that are compared ought to be to each other, as [[names]] says it, and when they are not."""

    said: Literal["same", "different"]
    broken: Callable[[NamesShown, NamesShown, str], bool]
    expected: Mapping[Among, str]
    got: str


def _differ(shown: NamesShown, other: NamesShown, path: str) -> bool:
    return len({*shown.values[path], *other.values[path]}) > 1


def _coincide(shown: NamesShown, other: NamesShown, path: str) -> bool:
    return not shown.values[path].keys().isdisjoint(other.values[path])


_SAME = _Relation(
    "same", _differ, {"replicas": "the same in all replicas", "boots": "the same in every boot"}, "not the same"
)
_DIFFERENT = _Relation(
    "different", _coincide, {"replicas": "another in each replica", "boots": "another in each boot"}, "the same in two"
)


def unlike_names(view: RunView) -> frozenset[str]:
    """The paths of what is said to be the same everywhere and is not, among replicas or from boot to boot.

    That environments differ in one of them says nothing more.
    """
    return frozenset(path for _, path, _ in _broken(view, _SAME))


def _broken(view: RunView, relation: _Relation) -> Iterator[tuple[Among, str, _Pair]]:
    """The paths of which two are not to each other as they ought to be, and which two: among the replicas of each boot,
    and from boot to boot where those of no one boot show it."""
    for replicas in view.shown:
        for path in _declared(view, replicas, relation.said):
            if (pair := _pair(replicas, path, relation)) is not None:
                yield "replicas", path, pair
    for boots in _by_environment(view):
        for path in _declared(view, boots, relation.said, across="boots"):
            pair = _pair(boots, path, relation)
            if pair is not None and not any(_pair(replicas, path, relation) for replicas in _boots_of(boots)):
                yield "boots", path, pair


def _across_replicas(view: RunView) -> Iterator[Breach]:
    return _breaches(view, _SAME, "replicas")


def _across_boots(view: RunView) -> Iterator[Breach]:
    return _breaches(view, _SAME, "boots")


def _not_distinct(view: RunView) -> Iterator[Breach]:
    return _breaches(view, _DIFFERENT, "replicas", "boots")


def _breaches(view: RunView, relation: _Relation, *among: Among) -> Iterator[Breach]:
    """A breach for each path among those, with what the two showed."""
    for kind, path, pair in _broken(view, relation):
        if kind not in among:
            continue
        cases = dict.fromkeys(each_shown.observation.case.id for each_shown in pair)
        yield Breach(
            where=path,
            expected=relation.expected[kind],
            got=relation.got,
            scenario=_scenario(pair, path),
            nature=kind,
            environments=(pair[0].observation.case.environment,),
            cases=tuple(cases),
            evidence=tuple(Note(f"{each_shown}: {', '.join(sorted(each_shown.values[path]))}") for each_shown in pair),
        )


def _pair(shown: Sequence[NamesShown], path: str, relation: _Relation) -> _Pair | None:
    """The first two of which both show it, and that are not as they ought to be."""
    both = (
        combination
        for combination in combinations(shown, 2)
        if path in combination[0].values and path in combination[1].values
    )
    return next((pair for pair in both if relation.broken(*pair, path)), None)


def _scenario(pair: _Pair, path: str) -> str | None:
    """What has to be played to see it: a scenario that both were seen in, where there is one; None: nothing."""
    seen = [{name for names in shown.values[path].values() for name in names} for shown in pair]
    named = sorted(seen[0] & seen[1]) or sorted(seen[0] | seen[1])
    return None if "" in named else named[0]


def _declared(view: RunView, shown: Iterable[NamesShown], expected: str, *, across: str = "") -> list[str]:
    """The paths among those shown of which that is said; across boots is across their replicas, too."""
    said = [name for name in view.project.backend.names if name.expected == expected and across in {"", name.across}]
    paths = dict.fromkeys(path for each_shown in shown for path in each_shown.values) if said else {}
    return [path for path in paths if _is_said(said, path)]


def _is_said(said: Iterable[DeclaredName], path: str) -> bool:
    return any(name.covers(path) for name in said)


def _by_environment(view: RunView) -> Iterable[list[NamesShown]]:
    """The replicas of all boots of each environment."""
    found: dict[str, list[NamesShown]] = {}
    for shown in (replica for replicas in view.shown for replica in replicas):
        found.setdefault(shown.observation.case.environment, []).append(shown)
    return found.values()


def _boots_of(shown: Iterable[NamesShown]) -> Iterable[list[NamesShown]]:
    """The same by boot, for what one of them shows by itself is told of it."""
    found: dict[int, list[NamesShown]] = {}
    for each_shown in shown:
        found.setdefault(id(each_shown.observation), []).append(each_shown)
    return found.values()


_SAY = "let [[names]] say otherwise where it is meant"

RULES: tuple[Rule, ...] = (
    parity(
        "EP207",
        "replicas go by different names",
        Conduct("report", causes="hybrids"),
        means="""
            A value that the backend's file says is the same everywhere ([[names]]) was not the same in two replicas of
            one boot: in a startup report, an answer or a frame of theirs. A name in which there is the moment of the
            start, the process or a number by chance is another one in each.
        """,
        matters="""
            What replicas find one another by, a channel, a key, an issuer, a lock, must be one name. Where each makes
            its own, events reach only those who are on the same replica, and locks keep nobody out.
        """,
        action=f"Make it of what all replicas have: the release, a setting; not of the start. Or {_SAY}.",
        example='frames.welcome.cluster: the same in all replicas, got not the same; replica 1 "a-1757290671"',
        check=_across_replicas,
    ),
    parity(
        "EP208",
        "a name changes with every start",
        Conduct("report", causes="hybrids", of_boots=True),
        means="""
            A value that is the same in every boot, as the backend's file says ([[names]], across = "boots"), was not
            the same in two boots of one environment; within each boot its replicas agreed.
        """,
        matters="""
            What was written under the old name is lost with the next restart, and replicas that start later, as in
            every deployment, do not find those that run.
        """,
        action=f"Make it of what outlives a start: the release, a setting, the database. Or {_SAY}.",
        example='report.serviceId: the same in every boot, got not the same; local "a-81f3", redis down "a-0c4e"',
        check=_across_boots,
    ),
    parity(
        "EP209",
        "two go by one name",
        Conduct("report", causes="hybrids", of_boots=True),
        means="""
            A value that is another in each replica, or in each boot, as the backend's file says ([[names]],
            expected = "different"), was the same in two of them.
        """,
        matters="""
            Whoever holds a lease, owns a partition or is told apart in metrics by that name is taken for the other.
        """,
        action=f"Make it of what nobody else has: the host's name, the process's id, a random number. Or {_SAY}.",
        example='report.instance: another in each replica, got the same in two; replica 1 "api", replica 2 "api"',
        check=_not_distinct,
    ),
)
