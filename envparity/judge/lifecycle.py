"""EP501: how the backend stops."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.canonical import line
from envparity.judge.finding import Finding, Rule
from envparity.judge.rules import contract, finding
from envparity.observe.record import Observation
from envparity.subject import Subject

__all__ = ["RULES"]

_CLEAN = {0, 143, -15}  # 128 plus SIGTERM (15), as a container reports it, or -15, as a process does: what was asked
_KILLED = {137, -9}  # the same of SIGKILL


def _not_clean(subject: Subject, observation: Observation) -> Iterator[Finding]:
    environment = subject.environments.get(observation.case.environment)
    grace = f" within {environment.platform.stop_grace_s:g} s" if environment is not None else ""
    for transcript in observation.transcripts:
        for entry in transcript.entries:
            if entry.kind != "control" or "stopped" not in entry.data:
                continue
            code, killed = entry.data.get("exit_code"), entry.data.get("killed") is True
            if killed or code in _KILLED:
                got = "killed when the grace period was over"
            elif code is not None and code not in _CLEAN:
                got = f"exit code {code}"
            else:
                continue
            log = [text for replica in observation.replicas for text in replica.log_tail[-8:]]
            yield finding(
                observation,
                "EP501",
                "shutdown",
                f"after SIGTERM the process ends{grace}, with exit code 0 or 143",
                got,
                scenario=transcript.scenario,
                evidence=[line(entry), *log],
            )


RULES: tuple[Rule, ...] = (
    contract(
        "EP501",
        "shutdown not clean",
        means="""
            Told to stop with SIGTERM, the process ended with an exit code other than 0 or 143 (128 + 15), or was still
            there when the environment's grace period was over, and was killed.
        """,
        matters="Every release stops every replica; one that must be killed cuts conversations and loses what it held.",
        action="On SIGTERM accept nothing new, close open connections with 1001, and end before platform.stop_grace_s.",
        example="killed when the grace period was over: the heartbeat's loop was never cancelled",
        check=_not_clean,
    ),
)
