"""One environment where it runs, as a `Stack` (see launch.port) that can be looked at and not touched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.attached.certificate import look
from envparity.launch.attached.health import DeployedHealth, is_observed
from envparity.launch.port import Endpoint, LogMark
from envparity.model.backend import Backend
from envparity.model.case import Case
from envparity.model.deployed.credentials import CredentialUnavailable
from envparity.model.deployed.identity import Credentials, shown_source
from envparity.model.environment import Deployed
from envparity.observe.record import HttpAnswer, Replica, SettingFingerprint, StartupReport
from envparity.observe.startup import read_report
from envparity.redaction import REDACTED, Redaction

__all__ = ["NOT_OBSERVED", "AttachedStack"]

NOT_OBSERVED: Final = ": not observed"
"""How a note ends about what did not let itself be seen."""

_LOOK_EVERY_S = 2.0  # while the startup report says that it is starting
_RELEASES = ("release", "releaseId", "release_id", "revision", "commit")


@dataclass
class AttachedStack:
    """A deployed environment. `given` are the settings that its file says; `settings` has the key for tokens, too.

    `certificate` is what its certificate is, in words; `notes` what else was seen, and what could not be.
    """

    case: Case
    backend: Backend
    url: str
    endpoint: Endpoint
    given: Mapping[str, str] = field(repr=False)
    health: DeployedHealth
    credentials: Credentials
    deployed: Deployed
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: str = ""
    notes: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    redaction: Redaction = field(default_factory=Redaction)
    fingerprints: tuple[SettingFingerprint, ...] = ()  # nobody knows them
    replica_count: int = 1  # several behind one address cannot be told apart
    _seen: Replica | None = None

    async def renew(self) -> None:
        """Have the key or a token that is still good. Raises `CredentialUnavailable`."""
        held = await self.credentials.get()
        scheme, deployed = self.backend.scheme, self.deployed
        key = {scheme.signing_setting: held.key} if scheme is not None and held.key else {}
        self.settings = {**self.given, **key}
        shown = f"{{setting:{scheme.signing_setting}}}" if scheme is not None else REDACTED
        secrets = [(value, name) for value, name in ((held.key, shown), (held.token, "<token>")) if value]
        is_secret = self.backend.is_secret
        secrets += [(value, f"{{setting:{name}}}") for name, value in self.given.items() if is_secret(name, value)]
        self.redaction = self.health.redaction = Redaction(secrets)
        if deployed.gives_token and not held.user:
            what = shown_source(deployed)
            raise CredentialUnavailable(f"{what} names no user: give [deployed] a user, whose token it is")
        if deployed.gives_token or deployed.user is not None:
            self.endpoint = replace(self.endpoint, known=held)

    def replica_index(self, upstream: str | None) -> int:  # noqa: ARG002  there is one to be seen
        return 0

    def hide(self, secrets: Iterable[tuple[str, str]]) -> None:
        """What became known as a secret only while it was looked at (`HidesSecrets`)."""
        self.redaction = self.health.redaction = self.redaction.and_of(secrets)

    async def unreachable(self) -> str:
        """Why it cannot be reached now; empty where it can."""
        restraint = self.endpoint.restraint
        if restraint is not None:
            await restraint.before_connecting()
        try:
            await look(self.endpoint, self.backend.phases.connect_s)
        except LaunchError as error:
            return str(error).splitlines()[0]
        return ""

    async def until_listening(self) -> None:
        """It runs already."""

    async def until_decided(self) -> None:
        """Ask how it is; where it says that it is starting, again, until it has or the deadline for a boot is over."""
        paths, began = self.backend.health, time.monotonic()
        live, ready, startup = [await self.health.ask(path) for path in (paths.live, paths.ready, paths.startup)]
        report, late = self._report(startup), None
        while report is not None and report.status == "starting" and late is None:
            await asyncio.sleep(_LOOK_EVERY_S)
            report = self._report(await self.health.ask(paths.startup))
            if report is not None and report.status == "starting":
                took_s = time.monotonic() - began
                late = round(took_s, 1) if took_s > self.backend.phases.boot_s else None
            else:
                ready = await self.health.ask(paths.ready)
        self._note(live, ready, startup, report)
        live, ready = (one if is_observed(one) else None for one in (live, ready))
        self._seen = Replica(0, live, ready, report, undecided_after_s=late)
        self.timings["startup"] = round(time.monotonic() - began, 3)

    async def observe_replica(self, index: int) -> Replica:
        """How it was when it was asked; it is not asked twice. No log, no exit status: nobody knows them."""
        del index
        if self._seen is None:
            await self.until_decided()
        return self._seen if self._seen is not None else Replica(0)

    async def until_ready(self, index: int | None = None) -> None:
        del index
        answer = await self.health.ask(self.backend.health.ready)
        if is_observed(answer) and answer is not None and answer.status != 200:
            raise DeadlineExceeded(f"{self.url} to be ready", 0, f"it answers {answer.status}")

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        """Nothing: nobody here can read them."""
        del first
        return {}

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return {}

    async def log_mark(self) -> LogMark:
        """Of logs that nobody here can read."""
        return LogMark()

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        del first, last
        return ()

    async def stop_replica(self, index: int) -> None:
        self._refuse(f"stopping replica {index}")

    async def start_replica(self, index: int) -> None:
        self._refuse(f"starting replica {index}")

    async def restart_dependency(self, name: str) -> None:
        self._refuse(f"restarting {name}")

    async def cut_dependency(self, name: str) -> None:
        self._refuse(f"cutting off {name}")

    async def restore_dependency(self, name: str) -> None:
        self._refuse(f"restoring {name}")

    async def command_dependency(self, name: str, command: tuple[str, ...]) -> object:
        self._refuse(f"{command[0]} in {name}")

    def _refuse(self, what: str) -> NoReturn:
        raise LaunchError(f"{self.case.environment} is attached to {self.url} and only looked at: refused {what}")

    def _report(self, answer: HttpAnswer | None) -> StartupReport | None:
        """The startup report; None where there is none to be had: a page for people is no report that is broken."""
        if answer is None or not is_observed(answer) or not isinstance(answer.body, Mapping):
            return None
        return read_report(answer.body, self.backend.report, http_status=answer.status)

    def _note(
        self,
        live: HttpAnswer | None,
        ready: HttpAnswer | None,
        startup: HttpAnswer | None,
        report: StartupReport | None,
    ) -> None:
        for answer in (live, ready, startup):
            if answer is None or (is_observed(answer) and (answer is not startup or report is not None)):
                continue
            said = f"answers {answer.status}" if answer.status else f"does not answer: {answer.body}"
            self.notes.append(f"{answer.path} {said}{NOT_OBSERVED}")
        document = report.document if report is not None else {}
        self.notes += [f"{name} {document[name]}" for name in _RELEASES if isinstance(document.get(name), str)]
