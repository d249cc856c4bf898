"""Findings that say the same of several environments, boots or scenarios become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from envparity.judge.elsewhere import beyond
from envparity.judge.evidence import Evidence, SameIn
from envparity.judge.finding import Finding
from envparity.judge.registry import conduct

__all__ = ["Rank", "merge"]

_EVIDENCE = 30

T = TypeVar("T")
Rank = Callable[[str], tuple[int, str]]


def merge(findings: Iterable[Finding], rank: Rank) -> list[Finding]:
    """Findings with equal identity and equal `got` become one, over environments, cases and scenarios.

    Departures that got the same are then merged over scenarios too, whatever each had expected instead. `rank` orders
    scenarios; the first is the one to replay.
    """
    same: dict[tuple[str, ...], Finding] = {}
    for one in findings:
        key = (*one.identity, one.got)
        same[key] = _joined(same[key], one, rank) if key in same else one
    alike: dict[tuple[object, ...], Finding] = {}
    for one in sorted(same.values(), key=lambda one: (one.code, rank(one.scenario or ""))):
        across = conduct(one).merges
        detail: tuple[object, ...] = (one.environments, one.nature) if across else (one.where,)
        key_alike = (one.code, one.got, *detail)
        alike[key_alike] = _joined(alike[key_alike], one, rank) if key_alike in alike else one
    return [_with_others(one) for one in alike.values()]


def _joined(one: Finding, other: Finding, rank: Rank) -> Finding:
    # Of differences each environment has something to show; of departures only what the first one does not.
    evidence = other.evidence if conduct(one).joins else tuple(beyond(one, other))
    return msgspec.structs.replace(
        one,
        environments=_union(one.environments, other.environments),
        cases=_union(one.cases, other.cases),
        scenario=min(filter(None, (one.scenario, other.scenario)), key=rank, default=None),
        scenarios=tuple(sorted({*one.scenarios, *other.scenarios}, key=rank)),
        evidence=_distinct((*one.evidence, *evidence))[:_EVIDENCE],
        places=_union(one.places, other.places),
        follows=_union(one.follows, other.follows),
        raised=tuple(sorted({*one.raised, *other.raised})),
    )


def _with_others(finding: Finding) -> Finding:
    """Say in the evidence in which other scenarios the same was seen, where the finding is of conversations."""
    followed = {one.about for one in finding.follows}
    others = tuple(name for name in finding.scenarios if name != finding.scenario and name not in followed)
    if not others or conduct(finding).family not in {"conversation", "transcript"}:
        return finding
    return msgspec.structs.replace(finding, evidence=(*finding.evidence, SameIn(others)))


def _union(one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _distinct(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Each once; frames hold objects, which cannot be hashed."""
    kept: list[Evidence] = []
    for one in evidence:
        if one not in kept:
            kept.append(one)
    return tuple(kept)
