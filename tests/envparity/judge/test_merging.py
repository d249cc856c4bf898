"""A finding of several environments has something to show of each, and says nothing twice."""

from __future__ import annotations

from typing import Any

from envparity.judge.evidence import Logged, SeenIn, WhoAnswered
from envparity.judge.finding import Finding
from envparity.observe.record import Observation
from envparity.observe.transcript import LoggedLines
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import departed, handshake, judged, observation

HERE = "2026-01-05 10:00:01 origin http://localhost:3000 refused"


def refused_in(environment: str, *lines: str, **answer: Any) -> Observation:
    """A boot whose only conversation was refused, while these lines were logged."""
    logs = (LoggedLines("replica 1", lines, is_replica=True),)
    who: dict[str, Any] = {"answered_by": "replica", "replica": 0} | answer
    script = departed("handshake", handshake(403, **who), got="HTTP status 403", logged=logs)
    return observation(environment, transcripts=(script,))


def merged(*boots: Observation) -> Finding:
    """The finding of those boots, of which there is a single one."""
    (finding,) = judged(*boots).findings
    return finding


def test_what_only_a_further_environment_logged_is_told_under_its_name() -> None:
    """The lines that the first one did not log, and who answered where that was somebody else."""
    finding = merged(
        refused_in("local", HERE),
        refused_in("staging", "2026-01-05 10:00:09 origin http://localhost:3999 refused", "host is not allowed"),
        refused_in("cloud", answered_by="ingress", replica=None),
    )
    assert finding.environments == ("local", "staging", "cloud")
    staging, cloud = [piece for piece in finding.evidence if isinstance(piece, SeenIn)]
    assert (staging.environments, cloud.environments) == (("staging",), ("cloud",))
    (logged,) = staging.evidence
    assert isinstance(logged, Logged)
    assert logged.lines == ("host is not allowed",)
    (who,) = cloud.evidence
    assert isinstance(who, WhoAnswered)
    assert who.handshake.answered_by == "ingress"
    assert any("staging" in line and "host is not allowed" in line for line in evidence_lines(finding))


def test_an_environment_that_shows_the_same_repeats_nothing() -> None:
    """Moments, ports and numbers apart."""
    finding = merged(refused_in("local", HERE), refused_in("staging", HERE.replace("01 ", "44 ").replace("3000", "1")))
    assert finding.environments == ("local", "staging")
    assert not [piece for piece in finding.evidence if isinstance(piece, SeenIn)]
