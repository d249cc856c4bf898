"""How a backend started and whether it is still there, read from an observation: facts, without an opinion."""

from __future__ import annotations

from collections import Counter

from envparity.judge.volatile import words_alone
from envparity.observe.record import LOGGED, Observation, Replica, StartupFailure, StartupStep
from envparity.observe.transcript import ControlDone

__all__ = [
    "NAMELESS",
    "ended",
    "failures_of",
    "in_which_way",
    "is_named",
    "says_started",
    "started",
    "startup_failures",
    "still_starting",
    "unfinished_steps",
]

NAMELESS = StartupFailure("", "startup", "The report says that startup failed, and names no failure.")


def startup_failures(replica: Replica) -> tuple[StartupFailure, ...]:
    """Why that replica's startup failed; empty where it did not."""
    report = replica.startup
    if report is None or (report.status != "fail" and not report.failures):
        return ()
    return report.failures or (NAMELESS,)


def failures_of(observation: Observation) -> list[StartupFailure]:
    """Why that startup failed, over all replicas; empty where it did not."""
    return list(dict.fromkeys(failure for replica in observation.replicas for failure in startup_failures(replica)))


def in_which_way(failure: StartupFailure) -> str:
    """`failed AUTH_KEY`: by its code; one that has none of its own is told from others by its words."""
    if failure.code and failure.code != LOGGED:
        return f"failed {failure.code}"
    return f"failed {failure.code}: {words_alone(failure.description)}"


def ended(observation: Observation) -> tuple[Replica, ...]:
    """The replicas that are gone although nobody asked them to go.

    One that a script stopped and did not start again may be gone; how it went is another rule's to judge.
    """
    events = [event for script in observation.transcripts for event in script.events]
    actions = Counter(event.action for event in events if isinstance(event, ControlDone))
    stopped = actions["stop_replica"] - actions["start_replica"]
    gone = [replica for replica in observation.replicas if replica.exit_code is not None or replica.oom_killed]
    clean = [replica for replica in gone if replica.exit_code in {0, 143, -15} and not replica.oom_killed]
    excused = [replica.index for replica in clean[: max(stopped, 0)]]
    return tuple(replica for replica in gone if replica.index not in excused)


def is_named(failure: StartupFailure) -> bool:
    """Whether it says what failed, and by which code."""
    return bool(failure.component and failure.code)


def started(observation: Observation) -> bool:
    """Whether every replica says that its startup passed, and is still there."""
    failed = any(startup_failures(replica) for replica in observation.replicas)
    reports = [replica.startup for replica in observation.replicas]
    passed = all(report is not None and report.status == "pass" for report in reports)
    return bool(reports) and passed and not failed and not ended(observation)


def says_started(replica: Replica) -> list[str]:
    """What of that replica says that it has started, in words: its report, and its readiness."""
    said = ["startup says pass"] if replica.startup is not None and replica.startup.status == "pass" else []
    ready = replica.ready
    return said + ([f"{ready.path} answers 200"] if ready is not None and ready.status == 200 else [])


def still_starting(replica: Replica) -> tuple[str, StartupStep | None]:
    """What a startup without an end is at, in words, and the step that is not done, where the report says which."""
    late = next(iter(unfinished_steps(replica)), None)
    got = "still starting" if replica.startup is not None else "no startup report"
    if replica.startup is not None and replica.startup.status == "pass" and replica.listening is False:
        got = "its log says that startup passed, and its port does not listen"
    if late is not None and late.waited_for:
        got += f", waiting for {late.waited_for}"
    return got, late


def unfinished_steps(replica: Replica) -> list[StartupStep]:
    """The steps of startup that are neither passed, skipped nor failed."""
    steps = replica.startup.steps if replica.startup is not None else ()
    return [step for step in steps if step.outcome not in {"passed", "skipped", "failed"}]
