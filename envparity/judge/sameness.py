"""Whether two boots fail in the same way: by rule, step and nature; and what keeps a boot from showing a failure.

What is compared are single findings, of one boot and one scenario, as they are before equal ones become one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from envparity.judge.compare import PARTS
from envparity.judge.finding import Finding
from envparity.judge.registry import conduct

__all__ = ["are_alike", "disguises", "is_same_failure", "masks", "members"]

_OF_A_SCENARIO = {"conversation", "transcript", "shutdown"}


def members(finding: Finding, singles: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of the single findings that became this one."""
    return tuple(
        single
        for single in singles
        if (single.code, single.got, single.component) == (finding.code, finding.got, finding.component)
        and {*single.cases} <= {*finding.cases}
        and {*single.environments} <= {*finding.environments}
        and (single.where == finding.where or (conduct(single).merges and single.nature == finding.nature))
        and (single.scenario is None or single.scenario in finding.scenarios)
    )


def is_same_failure(finding: Finding, other: Finding) -> bool:
    """Whether it is the same, seen in another boot: a close is not a hang, nor one field of a frame another."""
    if (finding.code, finding.component) != (other.code, other.component) or not are_alike(finding, other):
        return False
    if conduct(finding).family in _OF_A_SCENARIO and (finding.scenario, finding.step) != (other.scenario, other.step):
        return False
    return finding.where == other.where and (not finding.paths or finding.paths[0] in other.paths)


def are_alike(finding: Finding, other: Finding) -> bool:
    """Whether both are of the same nature, and what was raised in both may be the same.

    Conversations are played beside one another, so that the moments of one may hold another's exception too.
    """
    both = {*finding.raised} & {*other.raised}
    return finding.nature == other.nature and bool(both or not finding.raised or not other.raised)


def disguises(finding: Finding, other: Finding) -> bool:
    """Whether the other may be the same defect: where the one conversation is silent, the other is cut off by then.

    A silence lasts until somebody ends it, an ingress for instance, and is a close then; nobody need wait for anything
    at that step.
    """
    if finding.scenario != other.scenario or finding.step is None or other.step is None:
        return False
    match conduct(finding).ends, conduct(other).ends:
        case "silent", "cut off":
            return other.step <= finding.step
        case "cut off", "silent":
            return finding.step <= other.step
        case _:
            return False


def masks(finding: Finding, other: Finding, played: Collection[str]) -> bool:
    """Whether a boot that fails in that other way may not have come to where it would fail in this one.

    `played` are the scenarios that it takes to see it.
    """
    known = conduct(other)
    if known.root_rank or known.not_stood_up or known.fails_startup:
        return True
    if conduct(finding).fails_startup:
        return False  # startup comes before every conversation
    ends = known.departure or known.explains == "its scenario" or other.nature == PARTS
    return other.scenario in played and ends
