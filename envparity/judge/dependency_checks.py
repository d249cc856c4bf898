"""What the rules about dependencies look at: boots in which they become reachable one by one, some of them late."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.client_outcome import starting_scenarios
from envparity.judge.conversation_checks import ending
from envparity.judge.evidence import StartupFailed, Undecided
from envparity.judge.finding import Breach
from envparity.judge.order_boots import OrderBoot
from envparity.judge.order_checks import conversations_apart, log, reports_apart, undecided
from envparity.judge.order_findings import Broken, merged
from envparity.judge.startup_facts import ended, failures_of, is_named, started
from envparity.judge.view import RunView
from envparity.judge.volatile import steady
from envparity.observe.record import Observation

__all__ = ["dependency_order_matters", "fails_by_name", "served_before_ready"]

_EXPECTED = "ready in the end as in the canonical order, or a failure with component and code"
_READY = "ready in the end as in the canonical order: nothing was out of reach once the backend had started"


def dependency_order_matters(view: RunView) -> Iterator[Breach]:
    """However its dependencies come, a backend is ready in the end, or fails by name."""
    boots = [boot for boot in view.order_boots if boot.kind == "timeline"]
    broken = [each_broken for boot in boots if not _excused(boot) for each_broken in _apart(view, boot)]
    yield from merged(broken, [boot.observation for boot in boots], "sequences of dependencies")


def served_before_ready(view: RunView) -> Iterator[Breach]:
    """While something is out of reach a client is told what the script says."""
    early = starting_scenarios(view.project.backend)
    played = [
        (observation, script)
        for observation in view.observations
        for script in observation.transcripts
        if script.scenario in early
    ]
    broken = [
        Broken(
            observation=item,
            where=script.scenario,
            expected=steady(script.departure.expected, script.names),
            got=(got := steady(script.departure.got, script.names)),
            same=(script.scenario, got),
            scenario=script.scenario,
            evidence=(ending(script), *log(item)),
        )
        for item, script in played
        if script.departure is not None
    ]
    yield from merged(broken, [each_item for each_item, _ in played], "boots that still waited for something")


def fails_by_name(observation: Observation) -> bool:
    """Whether that boot may fail, something having been out of reach while it started, and says what failed."""
    boot = observation.case.boot
    waits = bool(boot.unreachable_at_start) or any(text.startswith("-") for text in boot.after_start)
    failures = failures_of(observation)
    return waits and bool(failures) and all(map(is_named, failures)) and not ended(observation)


def _excused(boot: OrderBoot) -> bool:
    """Whether it fails by name as it may, or the canonical boot is not well either, so that this says nothing new."""
    return fails_by_name(boot.observation) or (boot.baseline is not None and boot.comparable is None)


def _apart(view: RunView, boot: OrderBoot) -> Iterator[Broken]:
    """How a boot is not what it must be: its startup first; its report and conversations where that is well."""
    seen = boot.observation
    if not started(seen):
        yield _not_ready(seen)
        return
    yield from _not_served(boot)
    yield from reports_apart(view, boot)
    yield from conversations_apart(view, boot)


def _not_ready(seen: Observation) -> Broken:
    failures = failures_of(seen)
    component: str | None = None
    if gone := ended(seen):
        got = f"the process ended with exit code {gone[0].exit_code}"
    elif failures:
        component = failures[0].component or None
        got = "fails: " + ", ".join(
            dict.fromkeys(f"{failure.component} {failure.code}".strip() for failure in failures)
        )
    else:
        got, component = undecided(seen)
    where = component or "startup"
    after = [replica.undecided_after_s for replica in seen.replicas if replica.undecided_after_s is not None]
    return Broken(
        observation=seen,
        where=where,
        expected=_READY if failures and all(map(is_named, failures)) and not gone else _EXPECTED,
        got=got,
        same=(where, got),
        component=component,
        evidence=(
            *(StartupFailed(failure.description, failure.code, failure.component) for failure in failures),
            *(Undecided(seconds) for seconds in after[:1]),
            *log(seen),
        ),
    )


def _not_served(boot: OrderBoot) -> Iterator[Broken]:
    """Startup passed, and readiness does not say so, as it does in the canonical order."""
    usual = boot.comparable
    ready = [each_replica.ready for each_replica in usual.replicas] if usual is not None else []
    if not ready or any(answer is None or answer.status != 200 for answer in ready):
        return
    for replica in boot.observation.replicas:
        if replica.ready is not None and replica.ready.status != 200:
            got = f"startup says pass, and {replica.ready.path} answers {replica.ready.status}"
            yield Broken(boot.observation, replica.ready.path, _EXPECTED, got, (got,), evidence=log(boot.observation))
            return
