"""One defect, one entry: findings that share a cause are told under one of them, and differences apart from defects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from envparity.judge.cause import Cause, Chance, CommitCause, OrderCause, ReleaseCause, TraitsCause
from envparity.judge.finding import Finding, Judgement
from envparity.judge.registry import conduct

__all__ = ["Entry", "defects", "entries", "undeclared", "with_entries"]

_LAST = 99  # behind every rank of a root


@dataclass(frozen=True)
class Entry:
    """A finding, and the others that share its cause."""

    finding: Finding
    others: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, the one that stands for them first."""
        return (self.finding, *self.others)


def with_entries(judgement: Judgement) -> Judgement:
    """The judgement, in which every finding says under which it is told: the root among those that share its cause."""
    groups: dict[object, list[Finding]] = {}
    for finding in judgement.findings:
        key = None if conduct(finding).apart else _key(finding.cause)
        if key is not None:
            groups.setdefault(key, []).append(finding)
    under: dict[str, str] = {}
    for group in groups.values():
        root = min(group, key=lambda value: conduct(value).root_rank or _LAST)
        under |= {finding.id: root.id for finding in group if finding is not root}
    findings = tuple(
        msgspec.structs.replace(finding, under=under.get(finding.id, "")) for finding in judgement.findings
    )
    return msgspec.structs.replace(judgement, findings=findings)


def entries(findings: Iterable[Finding]) -> tuple[Entry, ...]:
    """The findings as they are told, in their order; one that stands under another that is not there stands alone."""
    found = list(findings)
    ids = {finding.id for finding in found}
    return tuple(
        Entry(finding, tuple(other for other in found if other.under == finding.id))
        for finding in found
        if not finding.under or finding.under not in ids
    )


def defects(findings: Sequence[Finding]) -> tuple[Entry, ...]:
    """What is broken, an entry for each."""
    return entries(finding for finding in findings if not conduct(finding).apart)


def undeclared(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What only differs and was not declared, apart from what is broken."""
    return tuple(finding for finding in findings if conduct(finding).apart)


def _key(cause: Cause | None) -> object:
    """What is equal where two findings have one cause; None where there is no telling."""
    match cause:
        case TraitsCause(alternatives=alternatives):
            return ("traits", frozenset(alternatives))  # each finding's evidence ranks them
        case Chance(changed_by=changed_by) if changed_by:
            return ("rate", changed_by)
        case OrderCause(decisive=decisive) if decisive:
            return ("order", decisive)
        case CommitCause(commits=commits):
            return ("commit", commits)
        case ReleaseCause(changes=changes):
            return ("release", changes)
        case _:
            return None
