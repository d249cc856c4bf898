"""EP501 to EP503 and EP506: how the backend stops."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.evidence import BACKEND_LOG, Excerpt, LogQuote, Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.model.environment import Environment
from envparity.observe.record import Observation
from envparity.observe.stopping import too_long_s
from envparity.observe.transcript import ControlDone

__all__ = ["RULES"]

_CLEAN = {0, 143, -15}  # 128 plus SIGTERM (15), as a container reports it, or -15, as a process does: what was asked
_LOG_LINES = 8
_EACH = 2  # a machine may be busy for a moment
_NO_SUCCESS = 400  # RFC 9110 §15: errors of the client and of the server
_KILLED = {137, -9}  # the same of SIGKILL


def _not_clean(view: RunView, observation: Observation) -> Iterator[Breach]:
    environment = view.project.environments.get(observation.case.environment)
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


def _is_ready(view: RunView, observation: Observation) -> Iterator[Breach]:
    """What readiness said at last of a replica that had been told to stop, where its backend says what that is."""
    said = view.project.backend.health.draining
    for transcript in observation.transcripts:
        for event in transcript.events:
            if not isinstance(event, ControlDone) or event.readiness is None or event.readiness == said:
                continue
            yield Breach(
                where="shutdown",
                expected=f"readiness that answers {said} from SIGTERM on",
                got=f"HTTP status {event.readiness} while it drained",
                scenario=transcript.scenario,
                nature=f"readiness {event.readiness}",
                evidence=(Excerpt((event,)),),
            )


def _waits_for_nobody(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Longer each time that clients had been there, all of them gone, than where none had been."""
    environment = view.project.environments.get(observation.case.environment, Environment(""))
    grace_s = environment.platform.stop_grace_s
    had, fresh = ([stop for stop in observation.stops if stop.had is had] for had in (True, False))
    if min(len(had), len(fresh)) < _EACH:
        return
    if min(stop.seconds for stop in had) - max(stop.seconds for stop in fresh) < too_long_s(grace_s):
        return
    after, none = (" and ".join(f"{stop.seconds:.1f}" for stop in stops) for stops in (had, fresh))
    told = (
        f"{observation.case.environment}: {after} s after clients that had gone, "
        f"{none} s after none had been there, of {grace_s:g} s"
    )
    killed = any(stop.exit_code in _KILLED for stop in had)
    yield Breach(
        where="shutdown",
        expected="a stop that takes no longer for clients that are gone",
        got="longer where clients had been there, though all of them are gone",
        nature="waits for nobody",
        evidence=(Note(f"{told}, and then killed" if killed else told),),
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
    contract(
        "EP503",
        "a stop waits for clients that are gone",
        Conduct("shutdown", causes="hybrids", also="stops"),
        means="""
            Clients came and went: with a close, without one, in the middle of an answer that was worked off since. Told
            to stop with SIGTERM when nobody was connected any more, the replica took longer than one to which nobody
            had ever come, by a second and by a quarter of the grace period at least; twice, in turn with it.
        """,
        matters="""
            Every release takes that much longer for every replica, and one that waits until its grace period is over is
            killed with what it holds. What it counts as there is never counted out: a limit of connections, and
            whatever else is asked of that count, is wrong as well.
        """,
        action="Count a client out where its connection ends, whatever has ended it, and not in a branch of that.",
        example="staging: 6.2 and 6.3 s after clients that had gone, 0.4 and 0.5 s after none had been there, of 10 s",
        check=_waits_for_nobody,
    ),
    contract(
        "EP506",
        "a replica that drains is ready for more",
        Conduct("shutdown", "its scenario", causes="hybrids"),
        means="""
            Told to stop with SIGTERM, a replica worked off what was under way, and a second later its readiness did not
            answer with the status that `health.draining` says. Asked only of a backend that says one.
        """,
        matters="""
            Whoever hands out clients by readiness goes on sending them to a replica that is about to be gone: they are
            refused, or cut off when the grace period is over, with every release.
        """,
        action="Have readiness say from the signal on that nobody new is wanted; leave liveness as it is.",
        example="expected readiness that answers 503 from SIGTERM on, got HTTP status 200 while it drained",
        check=_is_ready,
    ),
)
