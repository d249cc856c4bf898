"""One breach for what many orders show: over environments and orders, with the first two orders as evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from envparity.judge.evidence import Counts, Evidence, OrderShown
from envparity.judge.finding import Breach, Place
from envparity.observe.record import Observation

__all__ = ["Broken", "merged"]

_ORDERS_SHOWN = 2


@dataclass(frozen=True)
class Broken:
    """What one boot shows. Those with equal `same` are one breach, which speaks in the words of the first."""

    observation: Observation
    where: str
    expected: str
    got: str
    same: tuple[str, ...]
    component: str | None = None
    scenario: str | None = None
    evidence: tuple[Evidence, ...] = ()


def merged(broken: Iterable[Broken], among: Sequence[Observation], noun: str) -> Iterator[Breach]:
    """The breaches, each of which says how many of `among` show it; `noun` is what those are called.

    What exactly the same boots show in several places has one root: it is one breach, too.
    """
    groups: dict[tuple[str, ...], list[Broken]] = {}
    for each_broken in broken:
        groups.setdefault(each_broken.same, []).append(each_broken)
    roots: dict[tuple[tuple[str, str], ...], list[list[Broken]]] = {}
    for group in groups.values():
        shown = {
            (each_broken.observation.case.environment, each_broken.observation.case.id): None for each_broken in group
        }
        roots.setdefault(tuple(shown), []).append(group)
    for places in roots.values():
        yield _breach(places, among, noun)


def _breach(places: Sequence[Sequence[Broken]], among: Sequence[Observation], noun: str) -> Breach:
    first, *others = [group[0] for group in places]
    boots = [place.observation for place in places[0]]
    scenarios = dict.fromkeys(broken.scenario for broken in (first, *others) if broken.scenario is not None)
    environments = tuple(dict.fromkeys(boot.case.environment for boot in boots))
    cases = tuple(dict.fromkeys(boot.case.id for boot in boots))
    return Breach(
        where=first.where,
        expected=first.expected,
        got=first.got,
        environments=environments,
        cases=cases,
        scenario=first.scenario,
        scenarios=tuple(scenarios),
        component=first.component,
        places=tuple(Place(broken.where, broken.got) for broken in others),
        evidence=(*first.evidence, *_orders(boots), *_counts(environments, cases, among, noun)),
    )


def _orders(boots: Sequence[Observation]) -> Iterator[OrderShown]:
    """The first two orders, each once whatever the environment."""
    for boot in list(dict.fromkeys(observation.case.boot for observation in boots))[:_ORDERS_SHOWN]:
        yield OrderShown(boot.order, boot.timeline)


def _counts(
    environments: Sequence[str], cases: Sequence[str], among: Sequence[Observation], noun: str
) -> Iterator[Counts]:
    for name in environments:
        every = {observation.case.id for observation in among if observation.case.environment == name}
        yield Counts(name, len(every.intersection(cases)), len(every), noun)
