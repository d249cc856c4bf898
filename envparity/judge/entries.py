"""One defect, one entry: findings that share a cause are told under one of them, and differences apart from defects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from envparity.judge.cause import Cause, Chance, CommitCause, NotFound, OrderCause, ReleaseCause, TraitsCause
from envparity.judge.finding import Finding, Judgement
from envparity.judge.registry import conduct

__all__ = ["VerdictEntry", "defects", "entries", "undeclared", "with_entries"]

_LAST = 99  # behind every rank of a root


@dataclass(frozen=True)
class VerdictEntry:
    """A finding, and the others that share its cause."""

    finding: Finding
    others: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, the one that stands for them first."""
        return (self.finding, *self.others)


def with_entries(judgement: Judgement) -> Judgement:
    """The judgement, in which every finding says under which it is told: the root among those that share its cause.

    Where a cause says nothing of what two have in common, those are told as one of which clients met the same
    (`symptom`), where the environments overlap and no two have causes of different kinds.
    """
    groups: dict[object, list[Finding]] = {}
    told = [finding for finding in judgement.findings if not conduct(finding).apart]
    for finding in told:
        if (key := _key(finding.cause)) is not None:
            groups.setdefault(key, []).append(finding)
    alike = _by_symptom(finding for finding in told if finding.symptom and _key(finding.cause) is None)
    under: dict[str, str] = {}
    for group in (*groups.values(), *alike):
        root = min(group, key=lambda value: (conduct(value).root_rank or _LAST, value.cause is None))
        under |= {finding.id: root.id for finding in group if finding is not root}
    findings = tuple(
        msgspec.structs.replace(finding, under=under.get(finding.id, "")) for finding in judgement.findings
    )
    return msgspec.structs.replace(judgement, findings=findings)


def entries(findings: Iterable[Finding]) -> tuple[VerdictEntry, ...]:
    """The findings as they are told, in their order; one that stands under another that is not there stands alone."""
    found = list(findings)
    ids = {finding.id for finding in found}
    return tuple(
        VerdictEntry(finding, tuple(other for other in found if other.under == finding.id))
        for finding in found
        if not finding.under or finding.under not in ids
    )


def defects(findings: Sequence[Finding]) -> tuple[VerdictEntry, ...]:
    """What is broken, an entry for each."""
    return entries(finding for finding in findings if not conduct(finding).apart)


def undeclared(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What only differs and was not declared, apart from what is broken."""
    return tuple(finding for finding in findings if conduct(finding).apart)


def _by_symptom(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Those of which clients met the same, each group in environments that overlap, with causes of one kind, if any."""
    groups: list[list[Finding]] = []
    for finding in findings:
        group = next((each for each in groups if _is_of(finding, each)), None)
        if group is None:
            groups.append([finding])
        else:
            group.append(finding)
    yield from groups


def _is_of(finding: Finding, group: Sequence[Finding]) -> bool:
    places = {place for other in group for place in (*other.environments, *other.cases)}
    kinds = {type(other.cause) for other in (finding, *group) if not isinstance(other.cause, NotFound | None)}
    same = finding.symptom == group[0].symptom
    return same and len(kinds) <= 1 and not places.isdisjoint((*finding.environments, *finding.cases))


def _key(cause: Cause | None) -> object:  # noqa: PLR0911  one for each kind of cause
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
        case NotFound(why="not taken apart", among=among):
            return ("among", frozenset(among))  # with these it shows, and without it passes
        case _:
            return None
