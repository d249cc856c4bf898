"""EP501 and EP502: how the backend stops."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.evidence import BACKEND_LOG, Excerpt, LogQuote
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.record import Observation
from envparity.observe.transcript import ControlDone

__all__ = ["RULES"]

_CLEAN = {0, 143, -15}  # 128 plus SIGTERM (15), as a container reports it, or -15, as a process does: what was asked
_LOG_LINES = 8
_NO_SUCCESS = 400  # RFC 9110 §15: errors of the client and of the server
_KILLED = {137, -9}  # the same of SIGKILL


def _not_clean(view: RunView, observation: Observation) -> Iterator[Breach]:
    environment = view.subject.environments.get(observation.case.environment)
    grace = f" within {environment.platform.stop_grace_s:g} s" if environment is not None else ""
    for transcript in observation.transcripts:
        for event in transcript.events:
            if not isinstance(event, ControlDone) or event.action != "stopped":
                continue
            code = event.exit_code
            if code in _KILLED:
                got = "killed when the grace period was over"
            elif code is not None and code not in _CLEAN:
                got = f"exit code {code}"
            else:
                continue
            logs = [replica.log_tail[-_LOG_LINES:] for replica in observation.replicas]
            yield Breach(
                where="shutdown",
                expected=f"after SIGTERM the process ends{grace}, with exit code 0 or 143",
                got=got,
                scenario=transcript.scenario,
                nature=got,
                evidence=(Excerpt((event,)), *(LogQuote(BACKEND_LOG, log) for log in logs if log)),
            )


def _not_alive(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """Liveness that failed before the end; of a replica that was killed it says nothing."""
    for transcript in observation.transcripts:
        for event in transcript.events:
            if not isinstance(event, ControlDone) or event.liveness is None or event.liveness < _NO_SUCCESS:
                continue
            yield Breach(
                where="shutdown",
                expected="liveness that succeeds for as long as the process works off what is under way",
                got=f"HTTP status {event.liveness} while it drained",
                scenario=transcript.scenario,
                nature=f"liveness {event.liveness}",
                evidence=(Excerpt((event,)),),
            )


RULES: tuple[Rule, ...] = (
    contract(
        "EP501",
        "shutdown not clean",
        Conduct("shutdown", "its scenario", causes="hybrids"),
        means="""
            Told to stop with SIGTERM, the process ended with an exit code other than 0 or 143 (128 + 15), or was still
            there when the environment's grace period was over, and was killed.
        """,
        matters="Every release stops every replica; one that must be killed cuts conversations and loses what it held.",
        action="On SIGTERM accept nothing new, close open connections with 1001, and end before platform.stop_grace_s.",
        example="killed when the grace period was over: the heartbeat's loop was never cancelled",
        check=_not_clean,
    ),
    contract(
        "EP502",
        "liveness fails while the replica drains",
        Conduct("shutdown", "its scenario", causes="hybrids"),
        means="""
            Told to stop with SIGTERM, a replica worked off what was under way, and answered at its liveness path
            meanwhile that it is not alive.
        """,
        matters="""
            Readiness keeps new clients away; liveness is what a platform kills for. Whoever fails it while it drains is
            killed in the middle of the answers that the grace period is there for.
        """,
        action="Answer liveness with 200 until the process ends; say at the readiness path that nobody new is wanted.",
        example="expected liveness that succeeds, got HTTP status 503 while it drained",
        check=_not_alive,
    ),
)
