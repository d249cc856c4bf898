"""What EP215 and EP216 look at: boots whose dependencies become reachable one after the other, some of them late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envparity.judge.canonical import lines
from envparity.judge.finding import Finding
from envparity.judge.order_boots import OrderBoot, order_boots
from envparity.judge.order_checks import Tables, conversations_apart, failures_of, log, reports_apart, undecided
from envparity.judge.order_findings import Broken, merged
from envparity.judge.startup_checks import ended, is_named, started
from envparity.judge.told import starting_scenarios
from envparity.judge.volatile import steady
from envparity.observe.record import Observation
from envparity.subject import Subject

__all__ = ["dependency_order_matters", "fails_by_name", "served_before_ready"]

_EXPECTED = "ready in the end as in the canonical order, or a failure with component and code"
_READY = "ready in the end as in the canonical order: nothing was out of reach once the backend had started"
_LAST = 6  # entries of a conversation that are quoted


def dependency_order_matters(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    """EP215."""
    boots = [boot for boot in order_boots(observations) if boot.kind == "timeline"]
    tables = Tables(subject)
    broken = [one for boot in boots if not _excused(boot) for one in _apart(subject, tables, boot)]
    yield from merged("EP215", broken, [boot.observation for boot in boots], "sequences of dependencies")


def served_before_ready(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    """EP216."""
    early = starting_scenarios(subject.backend)
    played = [(one, script) for one in observations for script in one.transcripts if script.scenario in early]
    broken = [
        Broken(
            observation=one,
            where=script.scenario,
            expected=steady(script.departure.expected, script.names),
            got=(got := steady(script.departure.got, script.names)),
            same=(script.scenario, got),
            scenario=script.scenario,
            evidence=(f"step {script.departure.step + 1}, after:", *lines(script, _LAST), *log(one)),
        )
        for one, script in played
        if script.departure is not None
    ]
    yield from merged("EP216", broken, [one for one, _ in played], "boots that still waited for something")


def fails_by_name(observation: Observation) -> bool:
    """Whether that boot may fail, something having been out of reach while it started, and says what failed."""
    boot = observation.case.boot
    waits = bool(boot.unreachable_at_start) or any(one.startswith("-") for one in boot.after_start)
    failures = failures_of(observation)
    return waits and bool(failures) and all(map(is_named, failures)) and not ended(observation)


def _excused(boot: OrderBoot) -> bool:
    """Whether it fails by name as it may, or the canonical boot is not well either, so that this says nothing new."""
    return fails_by_name(boot.observation) or (boot.baseline is not None and boot.comparable is None)


def _apart(subject: Subject, tables: Tables, boot: OrderBoot) -> Iterator[Broken]:
    """How a boot is not what it must be: its startup first; its report and conversations where that is well."""
    seen = boot.observation
    if not started(seen):
        yield _not_ready(seen)
        return
    yield from _not_served(boot)
    yield from reports_apart(tables, boot)
    yield from conversations_apart(subject, boot)


def _not_ready(seen: Observation) -> Broken:
    failures = failures_of(seen)
    component: str | None = None
    if gone := ended(seen):
        got = f"the process ended with exit code {gone[0].exit_code}"
    elif failures:
        component = failures[0].component or None
        got = "fails: " + ", ".join(dict.fromkeys(f"{one.component} {one.code}".strip() for one in failures))
    else:
        got, component = undecided(seen)
    where = component or "startup"
    after = [one.undecided_after_s for one in seen.replicas if one.undecided_after_s is not None]
    return Broken(
        observation=seen,
        where=where,
        expected=_READY if failures and all(map(is_named, failures)) and not gone else _EXPECTED,
        got=got,
        same=(where, got),
        component=component,
        evidence=(
            *(f"{one.component}: {one.code}: {one.description}" for one in failures),
            *(f"after {seconds:g} s" for seconds in after[:1]),
            *log(seen),
        ),
    )


def _not_served(boot: OrderBoot) -> Iterator[Broken]:
    """Startup passed, and readiness does not say so, as it does in the canonical order."""
    usual = boot.comparable
    ready = [one.ready for one in usual.replicas] if usual is not None else []
    if not ready or any(one is None or one.status != 200 for one in ready):
        return
    for replica in boot.observation.replicas:
        if replica.ready is not None and replica.ready.status != 200:
            got = f"startup says pass, and {replica.ready.path} answers {replica.ready.status}"
            yield Broken(boot.observation, replica.ready.path, _EXPECTED, got, (got,), evidence=log(boot.observation))
            return
