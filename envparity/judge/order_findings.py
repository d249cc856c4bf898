"""One finding for what many orders show: over environments and orders, with the first two orders as evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from envparity.case import Boot
from envparity.judge.finding import Finding
from envparity.observe.record import Observation

__all__ = ["Broken", "merged"]

_ORDERS_SHOWN = 2


@dataclass(frozen=True)
class Broken:
    """What one boot shows. Those with equal `same` are one finding, which speaks in the words of the first."""

    observation: Observation
    where: str
    expected: str
    got: str
    same: tuple[str, ...]
    component: str | None = None
    scenario: str | None = None
    evidence: tuple[str, ...] = ()


def merged(code: str, broken: Iterable[Broken], among: Sequence[Observation], noun: str) -> Iterator[Finding]:
    """The findings, each of which says how many of `among` show it; `noun` is what those are called.

    What exactly the same boots show in several places has one root: it is one finding, too.
    """
    groups: dict[tuple[str, ...], list[Broken]] = {}
    for one in broken:
        groups.setdefault(one.same, []).append(one)
    roots: dict[tuple[tuple[str, str], ...], list[list[Broken]]] = {}
    for group in groups.values():
        shown = {(one.observation.case.environment, one.observation.case.id): None for one in group}
        roots.setdefault(tuple(shown), []).append(group)
    for places in roots.values():
        yield _finding(code, places, among, noun)


def _finding(code: str, places: Sequence[Sequence[Broken]], among: Sequence[Observation], noun: str) -> Finding:
    first, *others = [group[0] for group in places]
    boots = [one.observation for one in places[0]]
    scenarios = dict.fromkeys(one.scenario for one in (first, *others) if one.scenario is not None)
    more = [f"also at {one.where}: {one.got}" for one in others]
    found = Finding(
        code=code,
        title="",
        where=first.where,
        expected=first.expected,
        got=first.got,
        environments=tuple(dict.fromkeys(one.case.environment for one in boots)),
        cases=tuple(dict.fromkeys(one.case.id for one in boots)),
        scenario=first.scenario,
        scenarios=tuple(scenarios),
        component=first.component,
        evidence=(*first.evidence, *more),
    )
    return msgspec.structs.replace(found, evidence=(*found.evidence, *_orders(boots), *_counts(found, among, noun)))


def _orders(boots: Sequence[Observation]) -> Iterator[str]:
    """The first two orders, each once whatever the environment."""
    for boot in list(dict.fromkeys(one.case.boot for one in boots))[:_ORDERS_SHOWN]:
        yield _in_words(boot)


def _in_words(boot: Boot) -> str:
    parts = [f"in the order {', '.join(boot.order)}"] if boot.order else []
    parts += [f"when they come so: {', '.join(boot.timeline)}"] if boot.timeline else []
    return "; ".join(parts) or "as the environment boots it"


def _counts(found: Finding, among: Sequence[Observation], noun: str) -> Iterator[str]:
    for name in found.environments:
        every = {one.case.id for one in among if one.case.environment == name}
        yield f"{name}: {len(every.intersection(found.cases))} of {len(every)} {noun} show it"
