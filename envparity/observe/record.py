"""What one boot showed, as frozen, JSON-serialisable data. No I/O here, and no opinion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from envparity.model.case import Case
from envparity.observe.beside import AtOnce, DialectPlay, SiblingPlay
from envparity.observe.certificate import PresentedCertificate
from envparity.observe.disturbed import OutageSeen
from envparity.observe.memory import MemorySeen
from envparity.observe.stopping import KillSeen, StartStopSeen, StopSeen
from envparity.observe.transcript import HttpAnswered, Transcript
from envparity.observe.usage import Usage, Visits
from envparity.support.stalls import Granted, Stalls

__all__ = [
    "LOGGED",
    "Attached",
    "CheckResult",
    "HttpAnswer",
    "JobRun",
    "Observation",
    "ProcessRun",
    "Replica",
    "SecondPlay",
    "SettingFingerprint",
    "StartupFailure",
    "StartupReport",
    "StartupStep",
    "most_connections",
]

_TAIL_LINES = 60

LOGGED = "logged"
"""The code of a failure that stands in a log without a code of its own."""


class StartupStep(msgspec.Struct, frozen=True):
    """One initialisation step as the backend ran it. `started` is ISO 8601, `duration_ms` milliseconds."""

    name: str
    requires: tuple[str, ...] = ()
    outcome: str = "passed"  # passed, failed, skipped
    started: str | None = None
    duration_ms: float = 0.0
    attempts: int = 1
    waited_for: str | None = None


class CheckResult(msgspec.Struct, frozen=True):
    """One check of startup validation."""

    name: str
    component: str
    critical: bool
    status: str
    observed: object = None
    expected: object = None


class StartupFailure(msgspec.Struct, frozen=True):
    """Why a component did not start: what it is, then what to do (Spring Boot's Description and Action)."""

    code: str
    component: str
    description: str
    action: str = ""


class StartupReport(msgspec.Struct, frozen=True):
    """A startup report after mapping: the same shape whatever the backend calls its fields.

    `document` is the report as served, for whole comparison; `http_status` the code it was served with (None: read
    from the log); `problems` what could not be read of it, in words. With status "unreadable" nothing else is known.
    """

    status: Literal["pass", "fail", "starting", "unreadable"]
    order: tuple[str, ...] = ()
    steps: tuple[StartupStep, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    failures: tuple[StartupFailure, ...] = ()
    document: dict[str, object] = {}
    problems: tuple[str, ...] = ()
    http_status: int | None = None


class HttpAnswer(msgspec.Struct, frozen=True):
    """What one HTTP path answered. `status` 0 means no answer, and `body` then says why."""

    path: str
    status: int
    body: object = None


class Replica(msgspec.Struct, frozen=True):
    """One running copy of the backend: its health, how it ended if it did, and its log.

    The log is whole but for the middle of one that is longer than 4 MiB; a line of its own then says what is left out.
    Of a warm boot only its end is kept. `listening` is whether its port listened when it was looked at last.
    `credentials` are the lines of it in which one stood in full, by its name; what stood there is taken out.
    """

    index: int
    live: HttpAnswer | None = None
    ready: HttpAnswer | None = None
    startup: StartupReport | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    log: tuple[str, ...] = ()
    credentials: dict[str, str] = {}
    made: tuple[str, ...] = ()  # objects of request-scoped types made so far, where that can be watched
    undecided_after_s: float | None = None  # startup neither passed nor failed within this many seconds
    listening: bool | None = None  # None: nobody looked

    @property
    def log_tail(self) -> tuple[str, ...]:
        """The last 60 lines of its log."""
        return self.log[-_TAIL_LINES:]

    @property
    def has_started(self) -> bool:
        """Whether it runs, and its startup has passed as far as that is known; what was undecided has not."""
        passed = self.startup is None or self.startup.status == "pass"
        return self.exit_code is None and self.undecided_after_s is None and passed


class SettingFingerprint(msgspec.Struct, frozen=True):
    """A setting by name, where it came from, and a hash salted per run; never its value if it is a secret."""

    name: str
    source: str
    fingerprint: str
    value: str | None = None


class JobRun(msgspec.Struct, frozen=True):
    """One run of a job: how it ended, how long it took, and the end of its log. Without an exit code it was killed.

    `again`: it is the second one in that boot.
    """

    name: str
    exit_code: int | None
    duration_s: float
    log: tuple[str, ...] = ()
    again: bool = False

    @property
    def title(self) -> str:
        """Which run it is, in words."""
        return f"job {self.name} again" if self.again else f"job {self.name}"

    @property
    def path(self) -> str:
        """Where what it showed stands among what is compared."""
        return f"jobs.{self.name}.again" if self.again else f"jobs.{self.name}"


class ProcessRun(msgspec.Struct, frozen=True):
    """A further program of the backend at the end of a boot: without an exit code it runs.

    `ready_after_s` is when it was there, None where it ended before or was not there within `ready_s`; and the end of
    its log.
    """

    name: str
    exit_code: int | None
    ready_after_s: float | None
    ready_s: float
    log: tuple[str, ...] = ()


NOT_OBSERVED: Final = ": not observed"
"""How a note ends about what of a deployed environment did not let itself be seen."""


class Attached(msgspec.Struct, frozen=True):
    """Where an environment was observed that was not booted.

    `certificate` is what its certificate is, in words; `notes` what else was seen or could not be. `lost` is why it
    could no longer be reached in the middle, if so, and `unplayed` how many scenarios were left then.
    """

    url: str
    certificate: str = ""
    notes: tuple[str, ...] = ()
    lost: str = ""
    unplayed: int = 0


class SecondPlay(msgspec.Struct, frozen=True):
    """A further play of a scenario with the same user, credential and ids, after one that kept to its script.

    `elsewhere`: each connection was made to another replica than in the play before. `away_s` is how long the user was
    away before it: what the play before has left behind for a moment is gone after a longer one.
    """

    transcript: Transcript
    elsewhere: bool = False
    away_s: float = 0.0


class Observation(msgspec.Struct, frozen=True):
    """Everything that one boot showed, or that was seen of what already runs (`attached`)."""

    case: Case
    launcher: str
    run_id: str
    replicas: tuple[Replica, ...] = ()
    settings: tuple[SettingFingerprint, ...] = ()
    transcripts: tuple[Transcript, ...] = ()
    timings: dict[str, float] = {}  # seconds by name: network, postgres, backend, ready, scenarios, …
    launch_failure: str | None = None  # the environment could not be stood up; nothing below was seen
    infrastructure_logs: dict[str, tuple[str, ...]] = {}
    attached: Attached | None = None
    before: tuple[Transcript, ...] = ()  # what the previous release did, where the boot has changed it
    control: tuple[Transcript, ...] = ()  # the other plays of the same scenarios in the same boot
    usage: tuple[Usage, ...] = ()  # between rounds of scenarios, the first before all of them
    stops: tuple[StopSeen, ...] = ()  # of a replica without a client, at the very end
    kill: KillSeen | None = None  # of a replica that was started again, behind all else
    start_stop: StartStopSeen | None = None  # of a replica that waited for a dependency; then nothing else is seen
    memory: tuple[MemorySeen, ...] = ()  # after rounds of visits of one user, behind all scenarios
    visits: tuple[Visits, ...] = ()  # of one user who says nothing, the first when it was there already
    cross_origin: tuple[tuple[HttpAnswered, ...], ...] = ()  # what browsers are told from each origin, in each round
    most_connections: dict[str, int] = {}  # to each dependency, of all replicas together, at any one moment
    away: dict[str, OutageSeen] = {}  # each dependency that this boot kept down, from before its replicas started
    second: tuple[SecondPlay, ...] = ()  # plays of a user who comes back with what it had said before
    turned: tuple[Transcript, ...] = ()  # plays of a client that offers its token before the subprotocols it speaks
    dialects: tuple[DialectPlay, ...] = ()  # plays of clients that write their handshake otherwise
    siblings: tuple[SiblingPlay, ...] = ()  # of scenarios that were otherwise with one that had gone, and no others
    at_once: tuple[AtOnce, ...] = ()  # more clients than a pool has connections, where not all were served
    stalls: Stalls | None = None  # how busy the machine was meanwhile
    presented: tuple[PresentedCertificate, ...] = ()  # certificates that are for another host
    granted: Granted | None = None  # what the replicas had of the processors, where that is counted
    jobs: tuple[JobRun, ...] = ()  # in the sequence in which they ran; after one that failed none is run
    processes: tuple[ProcessRun, ...] = ()  # beside the replicas
    warm: bool = False  # a forked process, not a fresh container; what it shows counts once a cold boot shows it too

    def transcript(self, scenario: str) -> Transcript | None:
        """The transcript of that scenario, or None where this boot did not play it."""
        return next(
            (each_transcript for each_transcript in self.transcripts if each_transcript.scenario == scenario), None
        )

    def plays(self, scenario: str) -> tuple[Transcript, ...]:
        """Every play of that scenario in this boot, the one that is judged first."""
        return tuple(transcript for transcript in (*self.transcripts, *self.control) if transcript.scenario == scenario)


def most_connections(observations: Iterable[Observation]) -> dict[str, dict[str, int]]:
    """How many connections there were at the same time at most, in any boot, by environment and dependency."""
    most: dict[str, dict[str, int]] = {}
    for observation in observations:
        known = most.setdefault(observation.case.environment, {})
        for name, count in observation.most_connections.items():
            known[name] = max(count, known.get(name, 0))
    return {name: known for name, known in most.items() if known}
