"""EP511–515: what was promised before a disturbance holds again, and how a backend tries to come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from envparity.judge.conversation_checks import ending
from envparity.judge.evidence import Evidence, Note
from envparity.judge.finding import Breach
from envparity.judge.retrying import busiest_second, figures, in_step, steady_rate
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.disturbed import Disturbed, OutageSeen
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript

__all__ = ["RULES"]

_OK = 200
_MOST_STALLED = 0.75  # who is granted less is not judged by its speed
_AS_SLOW = 0.25  # a boot may be so much slower than one that storms
_NO_RHYTHM = 2  # by so much it is more than whoever may go on for ever
_RESET = frozenset({"hang_up", "refuse"})  # who was connected knows it


@dataclass(frozen=True)
class _Away:
    """A dependency that was away in a scenario; for a whole boot, where there is none."""

    dependency: str
    outage: OutageSeen
    scenario: str | None = None


def _deaf(view: RunView, observation: Observation) -> Iterator[Breach]:
    for script in observation.transcripts:
        before = [disturbance for disturbance in script.disturbed if _is_over(script, disturbance)]
        silent = script.departure is not None and script.departure.kind == "timeout"
        ready = bool(script.readiness) and all(status == _OK for status in script.readiness)
        if not (before and silent and ready) or any(_gave_up(view, script, disturbance) for disturbance in before):
            continue
        last = before[-1]
        yield Breach(
            where=script.scenario,
            expected="what was promised before the disturbance holds again, or readiness says that it does not",
            got=f"ready and silent after {last.action} {last.target}".rstrip(),
            scenario=script.scenario,
            component=last.target or None,
            nature=f"deaf after {last.action}",
            evidence=(*_what_was_seen(last), ending(script)),
        )


def _storm(view: RunView, observation: Observation) -> Iterator[Breach]:
    allowed = view.project.backend.retries.storm_per_s
    for away in _outages(observation):
        if _is_storm(view, observation, away):
            expected = f"at most {allowed:g} attempts to connect in any second, from each replica"
            yield _breach(away, expected, "a storm of attempts to connect")


def _is_storm(view: RunView, observation: Observation, away: _Away) -> bool:
    """Whether it tries without a pause. How often that is in a second, the processor says that it was granted.

    So what does not become fewer is a storm by the time that was granted. And where another boot storms towards that
    dependency, this one is not told from it by being slower: with TLS, or on a busier machine, the same takes longer.
    """
    retries = view.project.backend.retries
    most, limit = busiest_second(away.outage, len(observation.replicas)), retries.storm_per_s
    if most > limit or (most > limit * _granted(observation) and _goes_on(view, observation, away)):
        return True
    return most > max(limit * _AS_SLOW, _NO_RHYTHM * retries.steady_per_s) and any(
        busiest_second(other.outage, len(seen.replicas)) > limit
        for seen in view.observations
        for other in _outages(seen)
        if other.dependency == away.dependency
    )


def _granted(observation: Observation) -> float:
    """Which part of the time the machine granted to that boot."""
    return 1.0 if observation.stalls is None else 1 - min(observation.stalls.share, _MOST_STALLED)


def _goes_on(view: RunView, observation: Observation, away: _Away) -> bool:
    """Whether its attempts do not become fewer, and are more than whoever may go on for ever."""
    rate = steady_rate(away.outage, len(observation.replicas))
    return rate is not None and rate > view.project.backend.retries.steady_per_s


def _steady(view: RunView, observation: Observation) -> Iterator[Breach]:
    steady = view.project.backend.retries.steady_per_s
    for away in _outages(observation):
        if _goes_on(view, observation, away) and not _is_storm(view, observation, away):
            expected = f"ever longer pauses, down to {steady:g} attempts in a second from each replica"
            yield _breach(away, expected, "attempts that do not become fewer")


def _without_jitter(_view: RunView, observation: Observation) -> Iterator[Breach]:
    for away in _outages(observation):
        together = in_step(away.outage) if away.scenario is not None else None  # all replicas start in one moment
        if together is not None:
            first, second, times = together
            named = f"replicas {first + 1} and {second + 1} after the same pauses, {times} times"
            yield _breach(away, "attempts of each replica in moments of its own", "replicas in step", named)


def _never_again(view: RunView, observation: Observation) -> Iterator[Breach]:
    for script in observation.transcripts:
        for disturbance in script.disturbed:
            if disturbance.outage is not None and _gave_up(view, script, disturbance):
                within_s = view.project.backend.retries.again_within_s
                expected = f"another attempt to connect within {within_s:g} s of when it is back"
                away = _Away(disturbance.target, disturbance.outage, script.scenario)
                yield _breach(away, expected, "no attempt any more")


def _gave_up(view: RunView, script: Transcript, disturbance: Disturbed) -> bool:
    """Whether nobody came back for something that was missed: a pool that nobody asks need not connect."""
    outage = disturbance.outage
    if (
        outage is None
        or disturbance.action not in _RESET
        or script.departure is None
        or not _is_over(script, disturbance)
    ):
        return False
    return outage.connected_s is None and outage.watched_s >= view.project.backend.retries.again_within_s


def _is_over(script: Transcript, disturbance: Disturbed) -> bool:
    """Whether it was over when the script was left."""
    last_s = script.events[-1].at_s if script.events else script.duration_s
    return disturbance.ended_s < last_s


def _outages(observation: Observation) -> Iterator[_Away]:
    """Those in which it is seen who tries: of scenarios, and of what the boot kept down."""
    for script in observation.transcripts:
        for disturbance in script.disturbed:
            if disturbance.outage is not None and disturbance.outage.seen:
                yield _Away(disturbance.target, disturbance.outage, script.scenario)
    for name, outage in observation.away.items():
        if outage.seen:
            yield _Away(name, outage)


def _breach(away: _Away, expected: str, got: str, *more: str) -> Breach:
    return Breach(
        where=away.dependency,
        expected=expected,
        got=got,
        scenario=away.scenario,
        component=away.dependency,
        nature=got,
        evidence=tuple(Note(text) for text in (figures(away.outage), *more)),
    )


def _what_was_seen(disturbance: Disturbed) -> Iterator[Evidence]:
    if disturbance.outage is not None:
        yield Note(figures(disturbance.outage))


RULES: tuple[Rule, ...] = (
    contract(
        "EP511",
        "ready and deaf after a disturbance",
        Conduct("disturbance", "its scenario", causes="hybrids"),
        means="""
            A disturbance was over, every replica's readiness said that it can serve, and a client waited in vain: what
            had been answered before is not answered any more.
        """,
        matters="""
            A connection that died without a reset, or a task that ended with the first error, is noticed by nobody: the
            platform routes to a replica that hears nothing, for ever.
        """,
        action="""
            Ask now and then whether the other side is there, with a deadline; let a background task outlive an error;
            let readiness ask what the conversation needs.
        """,
        example="ready and silent after black_hole redis",
        check=_deaf,
    ),
    contract(
        "EP512",
        "retry storm",
        Conduct("disturbance", causes="hybrids"),
        means="While a dependency was away, a replica tried to connect more often in a second than [retries] allows.",
        matters="""
            The dependency comes back to thousands of connections, and goes down again; meanwhile the processor is spent
            on trying.
        """,
        action="Wait between attempts, longer each time, up to some seconds.",
        example="1240 attempts to connect in 2.0 s; pauses of 1, 1, 2, 1 ms",
        check=_storm,
    ),
    contract(
        "EP513",
        "retries without back-off",
        Conduct("disturbance", causes="hybrids"),
        means="""
            While a dependency was away for two seconds or longer, a replica tried to connect as often in the last half
            as in the first, and more often than [retries] allows in the long run.
        """,
        matters="What is bearable from one replica for a second is not from forty for an hour.",
        action="Let the pause grow with each attempt, to a longest one of some seconds.",
        example="20 attempts to connect in 2.0 s; pauses of 101, 100, 101 ms",
        check=_steady,
    ),
    contract(
        "EP514",
        "replicas retry in step",
        Conduct("disturbance", causes="hybrids"),
        means="""
            While a dependency was away, two replicas tried to connect in the same moments, five times or more: their
            pauses are the same.
        """,
        matters="Whatever comes back meets all replicas at once, and those that it turns away come back at once again.",
        action="Draw each pause at random, between nothing or half and the whole of it.",
        example="replicas 1 and 2 in the same moments, 6 times",
        check=_without_jitter,
    ),
    contract(
        "EP515",
        "never tried again",
        Conduct("disturbance", "its scenario", causes="hybrids"),
        means="""
            A dependency that had hung up or refused was back, a client was not served as before, and no connection to
            it was tried within the time that [retries] allows.
        """,
        matters="One outage of seconds ends the service until somebody restarts it.",
        action="Connect again for whoever asks, or in the background, for as long as the process lives.",
        example="no attempt any more: 3 attempts to connect in 2.0 s",
        check=_never_again,
    ),
)
