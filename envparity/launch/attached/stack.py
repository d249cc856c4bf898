"""One environment where it runs, as a `Stack` (see launch.port) that can be looked at and not touched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from envparity.errors import LaunchError
from envparity.launch.attached.health import DeployedHealth, is_observed
from envparity.launch.plain_stack import PlainStack
from envparity.launch.port import Waiting
from envparity.launch.shown_certificate import look
from envparity.model.backend import Backend
from envparity.model.deployed.credentials import CredentialUnavailable
from envparity.model.deployed.identity import Credentials, shown_source
from envparity.model.deployment import Deployed
from envparity.observe.record import NOT_OBSERVED, Attached, HttpAnswer, Replica, StartupReport
from envparity.observe.startup import read_report
from envparity.support.redaction import REDACTED, Redaction

__all__ = ["AttachedStack"]

_LOOK_EVERY_S = 2.0  # while it is starting
_NOBODY_BEHIND = frozenset({502, 504})
"""What a gateway says for itself that reaches nobody (RFC 9110 §15.6.3, §15.6.5), as while a release is rolled out."""
_RELEASES = ("release", "releaseId", "release_id", "revision", "commit")


@dataclass(kw_only=True)
class AttachedStack(PlainStack):
    """A deployed environment. `given` are the settings that its file says; `settings` has the key for tokens, too.

    `certificate` is what its certificate is, in words; `notes` what else was seen, and what could not be. `waiting` is
    told what is waited for.
    """

    backend: Backend
    url: str
    given: Mapping[str, str] = field(repr=False)
    health: DeployedHealth
    credentials: Credentials
    deployed: Deployed
    waiting: Waiting
    certificate: str = ""
    notes: list[str] = field(default_factory=list)
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

    async def until_decided(self) -> None:
        """Ask how it is; where it says that it is starting, again, until it has or the deadline for a boot is over.

        Until then, too, where its gateway reaches nobody behind it.
        """
        paths, began = self.backend.health, time.monotonic()
        live, ready, startup = await self._reached(began)
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
        live, ready = (answer if is_observed(answer) else None for answer in (live, ready))
        self._seen = Replica(0, live, ready, report, undecided_after_s=late)
        self.timings["startup"] = round(time.monotonic() - began, 3)

    async def _reached(self, began: float) -> Sequence[HttpAnswer | None]:
        """What liveness, readiness and the startup report answer, asked again while a gateway has nobody behind it."""
        most_s = self.backend.phases.boot_s
        answers, unreached = await self._asked()
        if unreached:
            gateway = f"the gateway of {self.url}, which answers {unreached}"
            self.waiting(f"a backend behind {gateway}, for {most_s:g} s at most")
        while unreached and time.monotonic() - began <= most_s:
            await asyncio.sleep(_LOOK_EVERY_S)
            answers, unreached = await self._asked()
        return answers

    async def _asked(self) -> tuple[Sequence[HttpAnswer | None], int]:
        """These answers, and the status by which the gateway says that it has nobody behind it; 0 where it has.

        Where it has no such path, the one that clients open is asked for, without an upgrade.
        """
        paths = self.backend.health
        asked = (paths.live, paths.ready, paths.startup)
        answers = [await self.health.ask(path) for path in asked]
        met = answers if any(asked) else [await self.health.ask(self.endpoint.path)]
        statuses = (answer.status for answer in met if answer is not None)
        return answers, next((status for status in statuses if status in _NOBODY_BEHIND), 0)

    async def observe_replica(self, index: int) -> Replica:
        """How it was when it was asked; it is not asked twice. No log, no exit status: nobody knows them."""
        del index
        if self._seen is None:
            await self.until_decided()
        return self._seen if self._seen is not None else Replica(0)

    def seen(self, lost: str, unplayed: int) -> Attached:
        """What it is and what was seen of it; `lost` is why it could not be reached any more, if so."""
        return Attached(self.url, self.certificate, tuple(self.notes), lost, unplayed)

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
