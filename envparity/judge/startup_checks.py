"""What EP101–107 look at: how the backend started, and whether what it says of that can be believed."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from envparity.backend import Backend
from envparity.judge.finding import Finding
from envparity.judge.report_consistency import inconsistencies, is_passed_over
from envparity.judge.rules import finding
from envparity.judge.told import what_clients_were_told
from envparity.judge.traceback import last_raised
from envparity.judge.volatile import steady
from envparity.observe.record import Observation, Replica, StartupFailure, StartupStep
from envparity.subject import Subject

__all__ = [
    "ended",
    "health_disagrees",
    "is_named",
    "made_before_connection",
    "process_ended",
    "report_broken",
    "started",
    "started_without_dependency",
    "startup_failed",
    "startup_failures",
    "startup_hidden",
    "startup_undecided",
    "still_starting",
]

_LOG_LINES = 12
_SHOWN = 6  # contradictions of one report that are quoted
_NAMELESS = StartupFailure("", "startup", "The report says that startup failed, and names no failure.")


def startup_failures(replica: Replica) -> tuple[StartupFailure, ...]:
    """Why that replica's startup failed; empty where it did not."""
    report = replica.startup
    if report is None or (report.status != "fail" and not report.failures):
        return ()
    return report.failures or (_NAMELESS,)


def ended(observation: Observation) -> tuple[Replica, ...]:
    """The replicas that are gone although nobody asked them to go.

    One that a script stopped and did not start again may be gone; how it went is EP501's to judge.
    """
    steps = [entry.data for script in observation.transcripts for entry in script.entries if entry.kind == "control"]
    stopped = sum("stop_replica" in step for step in steps) - sum("start_replica" in step for step in steps)
    gone = [one for one in observation.replicas if one.exit_code is not None or one.oom_killed]
    clean = [one for one in gone if one.exit_code in {0, 143, -15} and not one.oom_killed]
    excused = [one.index for one in clean[: max(stopped, 0)]]
    return tuple(one for one in gone if one.index not in excused)


def is_named(failure: StartupFailure) -> bool:
    """Whether it says what failed, and by which code."""
    return bool(failure.component and failure.code)


def started(observation: Observation) -> bool:
    """Whether every replica says that its startup passed, and is still there."""
    failed = any(startup_failures(replica) for replica in observation.replicas)
    reports = [replica.startup for replica in observation.replicas]
    passed = all(one is not None and one.status == "pass" for one in reports)
    return bool(reports) and passed and not failed and not ended(observation)


def still_starting(replica: Replica) -> tuple[str, StartupStep | None]:
    """What a startup without an end is at, in words, and the step that is not done, where the report says which."""
    late = next(iter(_late(replica)), None)
    got = "still starting" if replica.startup is not None else "no startup report"
    if late is not None and late.waited_for:
        got += f", waiting for {late.waited_for}"
    return got, late


def meant_to_fail(backend: Backend, observation: Observation) -> bool:
    """Whether this boot asks for a failure: a dependency is down, or a script that was kept awaits the refusal."""
    if observation.case.boot.steady:
        return False
    scripts = {one.scenario for one in observation.transcripts if one.departure is None}
    told = what_clients_were_told(backend, observation)
    return bool(observation.case.boot.down) or any(one.scenario in scripts and one.rightly(backend, ()) for one in told)


def startup_failed(subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP101."""
    if meant_to_fail(subject.backend, observation):
        return
    told = what_clients_were_told(subject.backend, observation)
    first = next((one for one in told if one.status == 101), told[0] if told else None)
    for failure in dict.fromkeys(one for replica in observation.replicas for one in startup_failures(replica)):
        quoted = [f"{failure.code}: {failure.description}" if failure.code else failure.description]
        quoted += [f"action: {failure.action}"] if failure.action else []
        quoted += [f"the client was told: {first}" if first else "no client connected"]
        yield finding(
            observation,
            "EP101",
            failure.component or "startup",
            "startup passes",
            f"startup failed: {failure.code or 'no code'}",
            scenario=first.scenario if first else None,
            component=failure.component or None,
            evidence=quoted,
            action=failure.action,
        )


def health_disagrees(_subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP102."""
    for replica in observation.replicas:
        if replica in ended(observation):
            continue
        live, ready, report = replica.live, replica.ready, replica.startup
        if live is not None and live.status != 200:
            expected = f"{live.path} answers 200 while the process runs"
            yield finding(observation, "EP102", live.path, expected, _answer(live.status))
        if report is None or report.status == "unreadable":
            continue
        wanted = 200 if report.status == "pass" else 503
        instead = f"{wanted}, for startup says {report.status}"
        # with a dependency down, passing or being ready is EP104's to judge
        up = report.status == "pass" or (ready is not None and ready.status == 200)
        if ready is not None and ready.status != wanted and not (observation.case.boot.down and up):
            yield finding(observation, "EP102", ready.path, f"{ready.path} answers {instead}", _answer(ready.status))
        if report.http_status is not None and report.http_status != wanted:
            expected = f"the startup report is served with {instead}"
            yield finding(observation, "EP102", "startup report", expected, _answer(report.http_status))


def startup_hidden(subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP103."""
    failing = [startup_failures(replica) for replica in observation.replicas]
    if not failing or not all(failing):
        return  # behind an ingress, a replica that started well may have answered
    failures = tuple(dict.fromkeys(one for some in failing for one in some if one is not _NAMELESS))
    told = what_clients_were_told(subject.backend, observation)
    wrongly = [one for one in told if one.rightly(subject.backend, failures) is False]
    if not wrongly:
        return
    component = failures[0].component if failures else ""
    refusal = subject.backend.startup_refusal.replace("{component}", component or "<component>")
    others = f" ({len(wrongly)} of {len(told)} connections were not told as promised)" if len(wrongly) > 1 else ""
    why = [f"{one.component}: {one.code}: {one.description}" for one in failures]
    hidden = finding(
        observation,
        "EP103",
        component or "startup",
        f"an error frame, then close 1013 {refusal}",
        wrongly[0].steadily,
        scenario=wrongly[0].scenario,
        component=component or None,
        evidence=[*why, f"the client was told: {wrongly[0]}{others}", *_raised(observation)],
    )
    yield msgspec.structs.replace(hidden, scenarios=tuple(dict.fromkeys(one.scenario for one in wrongly)))


def _raised(observation: Observation) -> list[str]:
    """What the replicas' logs say was raised last: the path that tells clients may have failed itself."""
    raised = dict.fromkeys(last_raised(replica.log_tail) for replica in observation.replicas)
    return [f"the log: {row}" for rows in raised for row in rows]


def started_without_dependency(subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP104."""
    down = ", ".join(observation.case.boot.down)
    if not down:
        return
    told = what_clients_were_told(subject.backend, observation)
    first = next((one for one in told if one.status == 101), None)
    for replica in observation.replicas:
        says = []
        if replica.startup is not None and replica.startup.status == "pass":
            says.append("startup says pass")
        if replica.ready is not None and replica.ready.status == 200:
            says.append(f"{replica.ready.path} answers 200")
        if says:
            expected = f"startup fails while {down} cannot be reached"
            component = observation.case.boot.down[0]
            evidence = _passed_over(replica) + ([f"the client was told: {first}"] if first else [])
            got = " and ".join(says)
            yield finding(observation, "EP104", down, expected, got, component=component, evidence=evidence)


def process_ended(_subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP105."""
    for replica in ended(observation):
        code = f"exit code {replica.exit_code}" if replica.exit_code is not None else "no exit code"
        got = f"killed for want of memory, {code}" if replica.oom_killed else f"ended with {code}"
        log = replica.log_tail[-_LOG_LINES:] or ("the log is empty",)
        yield finding(observation, "EP105", "process", "the process runs until it is told to stop", got, evidence=log)


def startup_undecided(subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP106."""
    for replica in observation.replicas:
        if replica.undecided_after_s is None or replica in ended(observation) or _unread(subject.backend, replica):
            continue
        waits = [f"step {one.name} {one.outcome}" + _waits(one.waited_for) for one in _late(replica)[:3]]
        got, late = still_starting(replica)
        yield finding(
            observation,
            "EP106",
            "startup",
            "startup passes or fails within its deadline",
            got,
            component=late.name if late is not None else None,
            evidence=[f"after {replica.undecided_after_s:g} s", *waits, *replica.log_tail[-_LOG_LINES:]],
        )


def report_broken(subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP107."""
    for replica in observation.replicas:
        if replica in ended(observation) or (observation.attached is not None and replica.startup is None):
            continue  # what is deployed need not show its report to everybody
        if _unread(subject.backend, replica) and replica.startup is None:
            got = f"{subject.backend.health.startup} gives none, although the process answers"
            yield finding(observation, "EP107", "startup report", "a startup report", got)
        elif replica.startup is not None:
            problems = [steady(one) for one in (*replica.startup.problems, *inconsistencies(replica.startup))]
            if observation.case.boot.down:  # passing without a dependency is EP104's to say
                problems = [one for one in problems if not is_passed_over(one)]
            if problems:
                expected = "a report that agrees with itself and can be read"
                more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
                quoted = problems[1:_SHOWN]
                yield finding(observation, "EP107", "startup report", expected, f"{problems[0]}{more}", evidence=quoted)


def _late(replica: Replica) -> list[StartupStep]:
    steps = replica.startup.steps if replica.startup is not None else ()
    return [one for one in steps if one.outcome not in {"passed", "skipped", "failed"}]


def _passed_over(replica: Replica) -> list[str]:
    """What contradicts that this replica is well: in its own report, and in how its readiness answers."""
    said = [one for one in inconsistencies(replica.startup) if is_passed_over(one)] if replica.startup else []
    more = [f"and {len(said) - _SHOWN} more"] if len(said) > _SHOWN else []
    ready = replica.ready
    unready = [f"{ready.path} {_answer(ready.status)}"] if ready is not None and ready.status != 200 else []
    return [*said[:_SHOWN], *more, *unready]


def _unread(backend: Backend, replica: Replica) -> bool:
    """Whether the process answers, and yet its report is missing or cannot be read."""
    if replica.startup is not None:
        return replica.startup.status == "unreadable"
    answers = any(one is not None and one.status for one in (replica.live, replica.ready))
    return backend.health.startup is not None and answers


def _answer(status: int) -> str:
    return f"answers {status}" if status else "does not answer"


def _waits(waited_for: str | None) -> str:
    return f", waits for {waited_for}" if waited_for else ""


def made_before_connection(_subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP108. A boot with a timeline is left out: there a client comes while the backend is still starting."""
    if observation.case.boot.timeline:
        return
    for replica in observation.replicas:
        for kind in sorted({one.partition(" made in ")[0] for one in replica.made}):
            shown = [one for one in replica.made if one.startswith(kind + " ")]
            yield finding(
                observation,
                "EP108",
                kind,
                "none before the first connection",
                f"{len(shown)} made",
                evidence=shown[:3],
            )
