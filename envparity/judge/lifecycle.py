"""EP501 to EP506: how the backend stops, and whether it comes back."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.evidence import BACKEND_LOG, Excerpt, LogQuote, Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.model.environment import Environment
from envparity.observe.record import Observation
from envparity.observe.stopping import KILLED, too_long_s
from envparity.observe.transcript import ControlDone

__all__ = ["RULES"]

_CLEAN = {0, 143, -15}  # 128 plus SIGTERM (15), as a container reports it, or -15, as a process does: what was asked
_LOG_LINES = 8
_EACH = 2  # a machine may be busy for a moment
_NO_SUCCESS = 400  # RFC 9110 §15: errors of the client and of the server


def _not_clean(view: RunView, observation: Observation) -> Iterator[Breach]:
    environment = view.project.environments.get(observation.case.environment)
    grace = f" within {environment.platform.stop_grace_s:g} s" if environment is not None else ""
    for scenario, event in _controls(observation):
        code = event.exit_code
        if event.action != "stopped" or code is None or code in _CLEAN:
            continue
        got = "killed when the grace period was over" if code in KILLED else f"exit code {code}"
        logs = [replica.log_tail[-_LOG_LINES:] for replica in observation.replicas]
        yield Breach(
            where="shutdown",
            expected=f"after SIGTERM the process ends{grace}, with exit code 0 or 143",
            got=got,
            scenario=scenario,
            nature=got,
            evidence=(Excerpt((event,)), *(LogQuote(BACKEND_LOG, log) for log in logs if log)),
        )


def _not_alive(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """Liveness that failed before the end; of a replica that was killed it says nothing."""
    for scenario, event in _controls(observation):
        if event.liveness is not None and event.liveness >= _NO_SUCCESS:
            expected = "liveness that succeeds for as long as the process works off what is under way"
            yield _answered(event.liveness, "liveness", expected, scenario, event)


def _is_ready(view: RunView, observation: Observation) -> Iterator[Breach]:
    """What readiness said at last of a replica that had been told to stop, where its backend says what that is."""
    said = view.project.backend.health.draining
    for scenario, event in _controls(observation):
        if event.readiness is not None and event.readiness != said:
            expected = f"readiness that answers {said} from SIGTERM on"
            yield _answered(event.readiness, "readiness", expected, scenario, event)


def _controls(observation: Observation) -> Iterator[tuple[str, ControlDone]]:
    """What was done to replicas and dependencies, with the scenario that did it."""
    for transcript in observation.transcripts:
        yield from ((transcript.scenario, event) for event in transcript.events if isinstance(event, ControlDone))


def _answered(status: int, probe: str, expected: str, scenario: str, event: ControlDone) -> Breach:
    """A probe that a replica answered otherwise than expected while it drained."""
    return Breach(
        where="shutdown",
        expected=expected,
        got=f"HTTP status {status} while it drained",
        scenario=scenario,
        nature=f"{probe} {status}",
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
    killed = any(stop.exit_code in KILLED for stop in had)
    yield Breach(
        where="shutdown",
        expected="a stop that takes no longer for clients that are gone",
        got="longer where clients had been there, though all of them are gone",
        nature="waits for nobody",
        evidence=(Note(f"{told}, and then killed" if killed else told),),
    )


def _goes_on_starting(view: RunView, observation: Observation) -> Iterator[Breach]:
    """It waited for a dependency, was told to stop, and had to be killed, or said that it has started."""
    stop = observation.start_stop
    if stop is None or not (stop.was_killed or stop.said):
        return
    platform = view.project.environments.get(observation.case.environment, Environment("")).platform
    over = f"killed when {platform.stop_grace_s:g} s were over"  # of a busy machine's clock it took longer
    ended = over if stop.was_killed else f"ended after {stop.seconds:.1f} s"
    back = "" if stop.back_after_s is None else f"; what it waits for answers again {stop.back_after_s:.1f} s after it"
    yield Breach(
        where="shutdown",
        expected=f"told to stop while it starts, a replica ends by itself within {platform.stop_grace_s:g} s",
        got=" and ".join((*stop.said, "killed when the grace period was over" if stop.was_killed else "then it ended")),
        nature="goes on" if stop.said else "killed",
        evidence=(
            Note(f"told to stop while it waited for {stop.waited_for}: {ended}{back}"),
            LogQuote(BACKEND_LOG, stop.log[-_LOG_LINES:]) if stop.log else Note("it logged nothing after the signal"),
        ),
    )


def _stays_away(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """Killed, and started with the disk that it had, it ended each time or did not become ready."""
    kill = observation.kill
    if kill is None or kill.back:
        return
    got = "not ready in its time" if kill.exit_code is None else f"ended with exit code {kill.exit_code}"
    yield Breach(
        where="restart",
        expected="a replica that was killed is ready again when it is started with the disk that it had",
        got=got,
        nature=got,
        evidence=(
            Note(f"killed without a warning, then started {kill.starts} times; the start before that was good"),
            *([LogQuote(BACKEND_LOG, kill.log[-_LOG_LINES:])] if kill.log else []),
        ),
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
        "EP504",
        "a stop is not heeded during startup",
        Conduct("shutdown", causes="hybrids"),
        means="""
            In a boot of a thorough run every dependency accepts connections and says nothing. Once the replica had
            connected to one, and waited, it was told to stop with SIGTERM. It had not ended when the environment's
            grace period was over, and was killed; or it said after the signal that it has started, in its report, its
            log or at its readiness path. After half of the grace period the dependencies answer again. With which exit
            code it ends does not matter.
        """,
        matters="""
            A release that is taken back, or a node that is drained, stops replicas that are still starting. Each takes
            as long as its grace period then, and one that goes on is given users that it is about to drop. Mostly the
            handler is installed once startup is over, or startup catches what the signal raises; and a process that is
            the first of its container ignores a signal for which it has no handler.
        """,
        action="Heed SIGTERM before anything is connected to, and have it end what startup waits for.",
        example="""
            killed when the grace period was over.
            told to stop while it waited for postgres: killed when 10 s were over
        """,
        check=_goes_on_starting,
    ),
    contract(
        "EP505",
        "a killed replica does not come back",
        Conduct("shutdown", causes="hybrids", also="kills"),
        means="""
            At the very end of an environment's own boot, in a thorough run, a replica that had started was killed with
            SIGKILL and started again with the disk that it had, as a restart policy does. It ended by itself, three
            times, or was not ready within its deadline.
        """,
        matters="""
            Whoever runs out of memory is killed so, and a platform that restarts the container keeps its disk: what a
            clean end would have removed is still there. A file with the number of a process, a lock or a socket that
            startup takes for somebody else's keeps that replica away until somebody removes it by hand.
        """,
        action="""
            Hold a lock that ends with its process (flock), or look whether the process in the file lives and is another
            one: in a container both are number 1. Remove a socket before binding it.
        """,
        example="""
            restart: ended with exit code 3.
            app: /tmp/app.pid exists, so another one runs already
        """,
        check=_stays_away,
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
