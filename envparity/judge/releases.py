"""What shows only where the release is changed: the change is its cause, held against each release by itself."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from envparity.judge.cause import ReleaseCause
from envparity.judge.finding import Finding, Judgement
from envparity.judge.registry import conduct
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript

__all__ = ["with_changes"]


def with_changes(judgement: Judgement, observations: Sequence[Observation]) -> Judgement:
    """The judgement, in which what only boots show that change the release has that for its cause.

    No hybrid of two environments says more of it: none of them has the other release.
    """
    seen = {observation.case.id: observation for observation in observations}

    def told(finding: Finding) -> Finding:
        shown = [seen[case] for case in finding.cases if case in seen]
        changes = {observation.case.boot.release for observation in shown}
        if finding.cause is not None or not shown or "" in changes or conduct(finding).apart:
            return finding
        cause = ReleaseCause(
            tuple(dict.fromkeys(observation.case.boot.release for observation in shown)),
            before=all(_kept(observation.before, finding) for observation in shown),
            alone=all(_kept_alone(observation, finding, observations) for observation in shown),
        )
        return msgspec.structs.replace(finding, cause=cause)

    return msgspec.structs.replace(judgement, findings=tuple(map(told, judgement.findings)))


def _kept(played: Sequence[Transcript], finding: Finding) -> bool:
    """Whether the conversations of the finding were played to their end; of one about none, any was."""
    of_it = [transcript for transcript in played if not finding.scenarios or transcript.scenario in finding.scenarios]
    return bool(of_it) and all(transcript.departure is None for transcript in of_it)


def _kept_alone(shown: Observation, finding: Finding, observations: Sequence[Observation]) -> bool:
    boot = msgspec.structs.replace(shown.case.boot, release="")
    case = msgspec.structs.replace(shown.case, boot=boot)
    names = {transcript.scenario for transcript in shown.transcripts}
    return any(
        observation.case == case
        and _kept([each for each in observation.transcripts if each.scenario in names], finding)
        for observation in observations
    )
