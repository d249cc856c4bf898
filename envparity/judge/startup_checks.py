"""What the rules about startup look at: how the backend started, and whether what it says of that can be believed."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.dependency.kind import KINDS
from envparity.judge.client_outcome import first_told
from envparity.judge.evidence import (
    BACKEND_LOG,
    ClientTold,
    Contradictions,
    Evidence,
    LogQuote,
    Note,
    StartupFailed,
    Traceback,
    Undecided,
    UnfinishedStep,
)
from envparity.judge.finding import Breach
from envparity.judge.report_consistency import inconsistencies
from envparity.judge.startup_facts import (
    NAMELESS,
    ended,
    failures_of,
    in_which_way,
    says_started,
    startup_failures,
    still_starting,
    unfinished_steps,
)
from envparity.judge.traceback import last_raised
from envparity.judge.view import RunView
from envparity.judge.volatile import steady, words_alone
from envparity.model.backend import Backend
from envparity.observe.record import Observation, Replica
from envparity.observe.stopping import KILLED

__all__ = [
    "health_disagrees",
    "made_before_connection",
    "needed_at_start",
    "process_ended",
    "report_broken",
    "started_without_dependency",
    "startup_failed",
    "startup_hidden",
    "startup_undecided",
]

_LOG_LINES = 12
_SHOWN = 6  # contradictions of one report that are quoted


def meant_to_fail(view: RunView, observation: Observation) -> bool:
    """Whether this boot asks for a failure: a dependency is withheld, or a script that was kept awaits the refusal."""
    if observation.case.boot.steady:
        return False
    scripts = {transcript.scenario for transcript in observation.transcripts if transcript.departure is None}
    told = [each_told for each_told in view.clients_told(observation) if each_told.scenario in scripts]
    backend = view.project.backend
    refused = [each_told.rightly(backend, ()) if backend.startup_refusal else each_told.refused for each_told in told]
    return bool(observation.case.boot.withheld) or any(refused)


def startup_failed(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Startup failed, and was not meant to."""
    if meant_to_fail(view, observation):
        return
    first = first_told(view.clients_told(observation))
    for failure in failures_of(observation):
        yield Breach(
            where=failure.component or "startup",
            expected="startup passes",
            got=f"startup failed: {failure.code or 'no code'}",
            scenario=first.scenario if first else None,
            component=failure.component or None,
            nature=in_which_way(failure),
            evidence=(
                StartupFailed(failure.description, failure.code, action=failure.action),
                *_raised(observation),
                ClientTold(first.outcome if first else None),
            ),
            action=failure.action,
        )


def health_disagrees(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """The status codes of health contradict the process or its startup report."""
    for replica in observation.replicas:
        if replica in ended(observation):
            continue
        live, ready, report = replica.live, replica.ready, replica.startup
        if live is not None and live.status != 200:
            expected = f"{live.path} answers 200 while the process runs"
            yield _unlike(live.path, expected, live.status)
        if report is None or report.status == "unreadable":
            continue
        wanted = 200 if report.status == "pass" else 503
        instead = f"{wanted}, for startup says {report.status}"
        # with a dependency withheld, passing or being ready is another rule's to judge
        up = report.status == "pass" or (ready is not None and ready.status == 200)
        if ready is not None and ready.status != wanted and not (observation.case.boot.withheld and up):
            yield _unlike(ready.path, f"{ready.path} answers {instead}", ready.status)
        if report.http_status is not None and report.http_status != wanted:
            expected = f"the startup report is served with {instead}"
            yield _unlike("startup report", expected, report.http_status)


def startup_hidden(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Startup failed, and a client was not told so as the backend promises."""
    backend = view.project.backend
    failing = [startup_failures(replica) for replica in observation.replicas]
    if not backend.startup_refusal or not failing or not all(failing):
        return  # behind an ingress, a replica that started well may have answered
    failures = tuple(dict.fromkeys(failure for some in failing for failure in some if failure is not NAMELESS))
    told = view.clients_told(observation)
    wrongly = [each_told for each_told in told if each_told.rightly(backend, failures) is False]
    if not wrongly:
        return
    component = failures[0].component if failures else ""
    refusal = backend.startup_refusal.replace("{component}", component or "<component>")
    yield Breach(
        where=component or "startup",
        expected=f"an error frame, then close 1013 {refusal}",
        got=wrongly[0].steadily,
        scenario=wrongly[0].scenario,
        component=component or None,
        nature="not told",
        evidence=(
            *(StartupFailed(failure.description, failure.code, failure.component) for failure in failures),
            ClientTold(wrongly[0].outcome, len(wrongly), len(told)),
            *_raised(observation),
        ),
        scenarios=tuple(dict.fromkeys(each_told.scenario for each_told in wrongly)),
    )


def started_without_dependency(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Startup passed, or the backend is ready, while a dependency is down."""
    names = [name for name in observation.case.boot.down if needed_at_start(view, observation, name)]
    down = ", ".join(names)
    if not down:
        return
    first = first_told(view.clients_told(observation), accepted=True)
    for replica in observation.replicas:
        says = says_started(replica)
        if says:
            yield Breach(
                where=down,
                expected=f"startup fails while {down} cannot be reached",
                got=" and ".join(says),
                component=names[0],
                nature="passed",
                evidence=(*_passed_over(replica), *([ClientTold(first.outcome)] if first else [])),
            )


def needed_at_start(view: RunView, observation: Observation, name: str) -> bool:
    """Whether a backend must not start without that dependency; a kind that nobody knows is taken for one like that."""
    environment = view.project.environments.get(observation.case.environment)
    declared = environment.dependencies.get(name) if environment is not None else None
    kind = KINDS.find(declared.kind) if declared is not None else None
    return kind is None or kind.needed_at_start


def process_ended(view: RunView, observation: Observation) -> Iterator[Breach]:
    """A replica is gone although nobody asked it to go. One that exits where its startup must fail may go then."""
    boot = observation.case.boot
    exits = bool(boot.other_host) or (view.project.backend.startup_refusal is False and bool(boot.down))
    for replica in ended(observation):
        if exits and not replica.oom_killed and replica.exit_code:
            continue
        code = f"exit code {replica.exit_code}" if replica.exit_code is not None else "no exit code"
        got = f"killed for want of memory, {code}" if replica.oom_killed else f"ended with {code}"
        yield Breach(
            where="process",
            expected="the process runs until it is told to stop",
            got=got,
            nature=": ".join((got, *_last_words(replica))),
            evidence=(LogQuote(BACKEND_LOG, replica.log_tail[-_LOG_LINES:]),),
        )


def startup_undecided(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Startup neither passed nor failed. What waits for a certificate for its host is not let in by another one."""
    if observation.case.boot.other_host:
        return
    for replica in observation.replicas:
        if replica.undecided_after_s is None or replica in ended(observation) or _unread(view.project.backend, replica):
            continue
        steps = [UnfinishedStep(step.name, step.outcome, step.waited_for) for step in unfinished_steps(replica)[:3]]
        got, late = still_starting(replica)
        yield Breach(
            where="startup",
            expected="startup passes or fails within its deadline",
            got=got,
            component=late.name if late is not None else None,
            nature="undecided",
            evidence=(
                Undecided(replica.undecided_after_s, tuple(steps)),
                *_log(replica),
            ),
        )


def report_broken(view: RunView, observation: Observation) -> Iterator[Breach]:
    """The startup report is missing, cannot be read, or contradicts itself."""
    backend = view.project.backend
    for replica in observation.replicas:
        if replica in ended(observation) or (observation.attached is not None and replica.startup is None):
            continue  # what is deployed need not show its report to everybody
        if _unread(backend, replica) and replica.startup is None:
            got = f"{backend.health.startup} gives none, although the process answers"
            yield Breach("startup report", "a startup report", got, nature="missing")
        elif replica.startup is not None:
            said = list(inconsistencies(replica.startup))
            if observation.case.boot.down:  # passing without a dependency is another rule's to say
                said = [item for item in said if item.kind != "passed over"]
            problems = [steady(problem) for problem in (*replica.startup.problems, *(item.said for item in said))]
            if problems:
                more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
                quoted = tuple(problems[1:_SHOWN])
                yield Breach(
                    where="startup report",
                    expected="a report that agrees with itself and can be read",
                    got=f"{problems[0]}{more}",
                    nature=words_alone(problems[0]),
                    evidence=(Contradictions(quoted),) if quoted else (),
                )


def made_before_connection(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """A request-scoped object was made. With a timeline a client may come while the backend is still starting."""
    if observation.case.boot.timeline:
        return
    for replica in observation.replicas:
        for kind in sorted({text.partition(" made in ")[0] for text in replica.made}):
            shown = [text for text in replica.made if text.partition(" made in ")[0] == kind]
            yield Breach(
                where=kind,
                expected="none before the first connection",
                got=f"{len(shown)} made",
                evidence=tuple(Note(text) for text in shown[:3]),
            )


def _log(replica: Replica) -> tuple[Evidence, ...]:
    lines = replica.log_tail[-_LOG_LINES:]
    return (LogQuote(BACKEND_LOG, lines),) if lines else ()


def _raised(observation: Observation) -> list[Traceback]:
    """What the replicas' logs say was raised last: a step that failed, or the path that tells clients, may have."""
    raised = dict.fromkeys(last_raised(replica.log_tail) for replica in observation.replicas)
    return [Traceback(rows) for rows in raised if rows]


def _passed_over(replica: Replica) -> tuple[Contradictions, ...]:
    """What contradicts that this replica is well: in its own report, and in how its readiness answers."""
    report, ready = replica.startup, replica.ready
    said = (
        [inconsistency.said for inconsistency in inconsistencies(report) if inconsistency.kind == "passed over"]
        if report
        else []
    )
    unready = [f"{ready.path} {_answer(ready.status)}"] if ready is not None and ready.status != 200 else []
    quoted = (*said[:_SHOWN], *unready)
    return (Contradictions(quoted, max(0, len(said) - _SHOWN)),) if quoted else ()


def _unread(backend: Backend, replica: Replica) -> bool:
    """Whether the process answers, and yet its report is missing or cannot be read."""
    if replica.startup is not None:
        return replica.startup.status == "unreadable"
    answers = any(answer is not None and answer.status for answer in (replica.live, replica.ready))
    return backend.health.startup is not None and answers


def _unlike(path: str, expected: str, status: int) -> Breach:
    return Breach(path, expected, _answer(status), nature=_answer(status))


def _last_words(replica: Replica) -> tuple[str, ...]:
    """What a replica said last: the exception that was raised last, else its log's last line; numbers do not count."""
    if replica.oom_killed or replica.exit_code in KILLED:
        return ()
    raised = last_raised(replica.log_tail)[-1:]
    said = raised or [line for line in replica.log_tail if line.strip()][-1:]
    return tuple(map(words_alone, said))


def _answer(status: int) -> str:
    return f"answers {status}" if status else "does not answer"
