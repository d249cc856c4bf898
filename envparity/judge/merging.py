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
    for finding in findings:
        key = (*finding.identity, finding.got)
        same[key] = _joined(same[key], finding, rank) if key in same else finding
    alike: dict[tuple[object, ...], Finding] = {}
    for finding in sorted(same.values(), key=lambda value: (value.code, rank(value.scenario or ""))):
        across = conduct(finding).merges
        detail: tuple[object, ...] = (finding.environments, finding.nature) if across else (finding.where,)
        key_alike = (finding.code, finding.got, *detail)
        alike[key_alike] = _joined(alike[key_alike], finding, rank) if key_alike in alike else finding
    return [_with_others(finding) for finding in alike.values()]


def _joined(finding: Finding, other: Finding, rank: Rank) -> Finding:
    # Of differences each environment has something to show; of departures only what the first one does not.
    evidence = other.evidence if conduct(finding).joins else tuple(beyond(finding, other))
    return msgspec.structs.replace(
        finding,
        environments=_union(finding.environments, other.environments),
        cases=_union(finding.cases, other.cases),
        scenario=min(filter(None, (finding.scenario, other.scenario)), key=rank, default=None),
        scenarios=tuple(sorted({*finding.scenarios, *other.scenarios}, key=rank)),
        evidence=_distinct((*finding.evidence, *evidence))[:_EVIDENCE],
        places=_union(finding.places, other.places),
        follows=_union(finding.follows, other.follows),
        raised=tuple(sorted({*finding.raised, *other.raised})),
    )


def _with_others(finding: Finding) -> Finding:
    """Say in the evidence in which other scenarios the same was seen, where the finding is of conversations."""
    followed = {follow.about for follow in finding.follows}
    others = tuple(name for name in finding.scenarios if name != finding.scenario and name not in followed)
    if not others or conduct(finding).family not in {"conversation", "transcript"}:
        return finding
    return msgspec.structs.replace(finding, evidence=(*finding.evidence, SameIn(others)))


def _union(pair: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*pair, *other)))


def _distinct(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Each once; frames hold objects, which cannot be hashed."""
    kept: list[Evidence] = []
    for quoted in evidence:
        if quoted not in kept:
            kept.append(quoted)
    return tuple(kept)
