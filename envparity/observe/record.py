"""What one boot showed, as frozen, JSON-serialisable data. No I/O here, and no opinion."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from envparity.case import Case

__all__ = [
    "Attached",
    "CheckResult",
    "Departure",
    "Entry",
    "HttpAnswer",
    "Observation",
    "Replica",
    "SettingFingerprint",
    "StartupFailure",
    "StartupReport",
    "StartupStep",
    "Transcript",
]


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
    observed: Any = None
    expected: Any = None


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
    document: dict[str, Any] = {}
    problems: tuple[str, ...] = ()
    http_status: int | None = None


class HttpAnswer(msgspec.Struct, frozen=True):
    """What one HTTP path answered. `status` 0 means no answer, and `body` then says why."""

    path: str
    status: int
    body: Any = None


class Replica(msgspec.Struct, frozen=True):
    """One running copy of the backend: its health, how it ended if it did, and the end of its log."""

    index: int
    live: HttpAnswer | None = None
    ready: HttpAnswer | None = None
    startup: StartupReport | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    log_tail: tuple[str, ...] = ()
    made: tuple[str, ...] = ()  # objects of request-scoped types made so far, where that can be watched
    undecided_after_s: float | None = None  # startup neither passed nor failed within this many seconds


class SettingFingerprint(msgspec.Struct, frozen=True):
    """A setting by name, where it came from, and a hash salted per run; never its value if it is a secret."""

    name: str
    source: str
    fingerprint: str
    value: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """One thing that happened in a conversation.

    `at_s` seconds since the scenario began; `connection` the script's name for it; `phase` one of connect, accept,
    authenticate, message, close, control. `kind`:

    - handshake: `data` is {status, subprotocol, replica}
    - sent, received: `data` is the decoded JSON frame, or {"text": …} / {"bytes": n} where it is none
    - close: `data` is {code, reason, by} with by "client" or "server"
    - silence: nothing arrived within {seconds}
    - timeout: {waited_for, timeout_s}
    - control: what the script did to the environment ({"restart": "postgres"})
    """

    at_s: float
    connection: str
    phase: str
    kind: Literal["handshake", "sent", "received", "close", "silence", "timeout", "control"]
    data: dict[str, Any]
    violations: tuple[str, ...] = ()  # what the AsyncAPI contract says against this frame


class Departure(msgspec.Struct, frozen=True):
    """Where a conversation left its script: the step (0-based), what was expected, what came instead.

    `kind`: handshake, frame, close, timeout, silence, control.
    """

    step: int
    kind: Literal["handshake", "frame", "close", "timeout", "silence", "control"]
    expected: str
    got: str
    connection: str = ""


class Transcript(msgspec.Struct, frozen=True):
    """One scenario as it went. `names` maps generated values to their placeholders, for normalising."""

    scenario: str
    group: str
    entries: tuple[Entry, ...] = ()
    departure: Departure | None = None
    names: dict[str, str] = {}
    duration_s: float = 0.0


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
    warm: bool = False  # a forked process, not a fresh container; what it shows counts once a cold boot shows it too

    def transcript(self, scenario: str) -> Transcript | None:
        """The transcript of that scenario, or None where this boot did not play it."""
        return next((one for one in self.transcripts if one.scenario == scenario), None)
