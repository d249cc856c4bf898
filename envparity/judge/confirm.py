"""What only warm boots showed, held against cold ones: confirmed, or reported as what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from envparity.judge.evidence import Reproduced
from envparity.judge.finding import Finding, Follow, Judgement
from envparity.judge.registry import conduct
from envparity.judge.warm import WARM_ONLY
from envparity.model.case import Case
from envparity.observe.record import Observation

__all__ = ["cases_to_confirm", "confirm", "only_warm"]


def only_warm(judgement: Judgement, observations: Sequence[Observation]) -> tuple[Finding, ...]:
    """The findings that no cold boot shows so far, and that one could show."""
    warm = {observation.case.id for observation in observations if observation.warm}
    return tuple(
        finding
        for finding in judgement.findings
        if finding.cases and warm.issuperset(finding.cases) and conduct(finding).confirm == "cold"
    )


def cases_to_confirm(findings: Sequence[Finding], observations: Sequence[Observation]) -> tuple[Case, ...]:
    """What to boot cold: of each finding one case an environment, and the canonical one that it is compared with.

    The canonical one is the first of its environment that was asked for an order; where it is cold, it is known.
    """
    warm: Mapping[str, Case] = {
        observation.case.id: observation.case for observation in observations if observation.warm
    }
    canonical: dict[str, Observation] = {}
    for observation in observations:
        if observation.case.boot.order:
            canonical.setdefault(observation.case.environment, observation)
    wanted: dict[Case, None] = {}
    for finding in findings:
        shown: dict[str, list[Case]] = {}
        for case_id in finding.cases:
            shown.setdefault(warm[case_id].environment, []).append(warm[case_id])
        for environment, cases in shown.items():
            usual = canonical.get(environment)
            # The canonical boot is listed with what differs from it; it is what has to be confirmed where it is alone.
            departing = [case for case in cases if usual is None or case != usual.case]
            wanted[(departing or cases)[0]] = None
            if usual is not None and usual.warm:
                wanted[usual.case] = None
    return tuple(wanted)


def confirm(judgement: Judgement, doubtful: Sequence[Finding], again: Judgement) -> Judgement:
    """The judgement, in which what cold boots did not show again says so. `again` is what they showed."""

    def checked(finding: Finding) -> Finding:
        if finding not in doubtful:
            return finding
        confirming = [each_finding for each_finding in again.findings if _same_failure(finding, each_finding)]
        if confirming:
            where = [
                name
                for name in finding.environments
                if any(name in each_finding.environments for each_finding in confirming)
            ]
            evidence = (*finding.evidence, Reproduced(tuple(where)))
            return msgspec.structs.replace(finding, evidence=evidence)
        return msgspec.structs.replace(
            finding,
            code=WARM_ONLY.code,
            title=WARM_ONLY.title,
            action=WARM_ONLY.action,
            instead_of=Follow(finding.code, finding.title),
        )

    findings = sorted(
        (checked(each_finding) for each_finding in judgement.findings),
        key=lambda each_finding: (each_finding.code, each_finding.where),
    )
    return msgspec.structs.replace(judgement, findings=tuple(findings))


def _same_failure(finding: Finding, cold: Finding) -> bool:
    """Whether a cold boot shows that finding, although fewer boots may have folded it into another place."""
    return (
        finding.code == cold.code
        and finding.component == cold.component
        and bool({*finding.environments} & {*cold.environments})
        and (
            finding.where == cold.where
            or bool({*finding.scenarios} & {*cold.scenarios})
            or any(place.where == finding.where for place in cold.places)
        )
    )
