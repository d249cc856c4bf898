"""The probe itself: runs on its schedule until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from envparity.auth.scheme import UnusableKey
from envparity.conversation.contract.of_backend import contract_of
from envparity.conversation.handshake import ClientIdentity, SignedIn
from envparity.conversation.machine import Conversation
from envparity.conversation.resolving import ResolvedScenario, resolve_scenario
from envparity.conversation.signing_in import SignInAddress, sign_in
from envparity.errors import ConfigurationError, Mistake
from envparity.model.backend import Backend
from envparity.model.deployed.credentials import CredentialUnavailable
from envparity.model.deployed.identity import Credentials, Held
from envparity.model.deployed.target import Target
from envparity.model.deployed.tls import client_context
from envparity.model.deployment import Deployed
from envparity.model.environment import Environment
from envparity.model.scenario import Scenario
from envparity.model.step import placeholders
from envparity.probe.alert import Alerts
from envparity.probe.attempt import attempt
from envparity.probe.log import Log
from envparity.probe.metrics import Metrics
from envparity.probe.network import Network
from envparity.probe.outcome import ProbeOutcome, outcome_of, without_credentials
from envparity.probe.schedule import Schedule

__all__ = ["ENDED_BY_TIME", "Ending", "Probe", "ProbePlan", "tls_of"]

ENDED_BY_TIME: Final = 0


@dataclass(frozen=True)
class ProbePlan:
    """What is probed and how often: `every_s` seconds apart, for `for_s` seconds (None: for good).

    `settings` are the environment's literals; `tls` is there where the target asks for it.
    """

    environment: Environment
    backend: Backend
    scenario: Scenario
    target: Target
    settings: dict[str, str]
    tls: ssl.SSLContext | None
    every_s: float = 30.0
    for_s: float | None = None
    alert_after: int = 3


@dataclass(frozen=True)
class Ending:
    """How probing ended: by signal number `by`, or 0 when its time was over. `healthy`: the last run was a success and
    no alert stands.
    """

    by: int
    healthy: bool
    runs: int


def tls_of(target: Target, deployed: Deployed | None) -> ssl.SSLContext | None:
    """The TLS of a target: certificates are checked in full, and the client shows its own where it has one.

    Raises OSError, of which `ssl.SSLError` is one, for a file that cannot be read.
    """
    if not target.tls:
        return None
    said = deployed or Deployed("")
    return client_context(said.ca, said.client_certificate, said.client_key)


class Probe:
    """Holds the plan's conversation, once or for good, and tells metrics and log what it showed."""

    def __init__(self, plan: ProbePlan, metrics: Metrics, log: Log, credentials: Credentials | None = None) -> None:
        self._plan, self._metrics, self._log = plan, metrics, log
        backend = plan.backend
        self._contract = contract_of(backend)
        self._network = Network(plan.target, plan.tls)
        self._credentials = credentials or Credentials(plan.environment, backend.scheme)
        self._alerts = Alerts(plan.alert_after)
        self._runs = self._failed = self._skipped = 0
        self._last_healthy = False

    async def check(self) -> None:
        """Whether there are credentials, and all that the scenario needs beside them.

        Raises `CredentialUnavailable` and `ConfigurationError`.
        """
        held = await self._credentials.get()
        self._script(held, 0)
        needs_user = any(name == "user" for name, _ in placeholders(self._plan.scenario.steps))
        if held.token and not held.user and needs_user:
            action = f"add user to [deployed], for {self._plan.scenario.name} expects to be told it"
            source = f"environment {self._plan.environment.name}"
            raise ConfigurationError(
                [Mistake(source, 0, "deployed.token", "a token that says whom it names", "another", action)]
            )

    async def once(self) -> ProbeOutcome:
        """One run. Raises `ConfigurationError` where backend and settings do not provide what the scenario needs."""
        at, began = time.time(), time.monotonic()
        try:
            held = await self._credentials.get()
            script = self._script(held, int(at), await self._sign_in(held))
        except CredentialUnavailable as error:
            self._credentials.renew()
            outcome = without_credentials(at, time.monotonic() - began, str(error))
        else:
            outcome = await self._hold(script, at)
        if outcome.authentication == "refused":
            self._credentials.renew()
        self._note(outcome)
        return outcome

    async def run(self, *, once: bool = False) -> Ending:
        """Run on schedule until the time is over, or SIGINT or SIGTERM comes; then say goodbye to whom it talks to.

        What is broken off by that is not counted. With `once` it ends after one run.
        """
        with _told_to_end(self._plan.for_s) as told:
            running = asyncio.create_task(self._once() if once else self._forever())
            await _either(running, told)
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            by = told.result() if told.done() else 0
        if not once:
            why = signal.Signals(by).name if by else "its time is over"
            self._log.ended(why, self._runs, self._failed, self._skipped)
        return Ending(by, self._last_healthy and not self._alerts.standing, self._runs)

    async def _once(self) -> None:
        await self.once()

    async def _forever(self) -> None:
        loop = asyncio.get_running_loop()
        schedule = Schedule(self._plan.every_s, loop.time())
        while True:
            due, skipped = schedule.next(loop.time())
            if skipped:
                self._skipped += skipped
                self._metrics.skipped(skipped)
                self._log.skipped(skipped)
            await asyncio.sleep(due - loop.time())
            await self.once()

    async def _hold(self, script: ResolvedScenario, at: float) -> ProbeOutcome:
        plan = self._plan
        conversation = Conversation(plan.scenario, script, self._contract)
        how = await attempt(conversation, self._network, plan.backend.phases.close_s)
        return outcome_of(how, plan.scenario, plan.backend, at)

    def _settings(self, held: Held) -> dict[str, str]:
        scheme = self._plan.backend.scheme
        return self._plan.settings | ({scheme.signing_setting: held.key} if scheme is not None and held.key else {})

    async def _sign_in(self, held: Held) -> dict[str, SignedIn]:
        """What the backend gives who signs in, where it is that who gives. Raises `CredentialUnavailable`."""
        plan, target = self._plan, self._plan.target
        door = SignInAddress((target.host, target.port), target.authority, target.host.removesuffix("."), plan.tls)
        given = ("valid",) if held.token else ()
        signed = await sign_in(plan.scenario, plan.backend, self._settings(held), door, given)
        for had in signed.values():
            if had.expected:
                raise CredentialUnavailable(f"expected {had.expected}, got {had.got}")
        return signed

    def _script(self, held: Held, now_s: int, signed_in: Mapping[str, SignedIn] | None = None) -> ResolvedScenario:
        """Raises `CredentialUnavailable` for a key that no token can be made with."""
        plan, settings = self._plan, self._settings(held)
        who = ClientIdentity(held.user, held.token)
        try:
            return resolve_scenario(
                plan.scenario,
                plan.backend,
                settings,
                plan.target.origin,
                now_s=now_s,
                identity=who,
                signed_in=signed_in,
            )
        except UnusableKey as useless:
            raise CredentialUnavailable(f"the key that was given is none for {useless}") from None

    def _note(self, outcome: ProbeOutcome) -> None:
        self._runs += 1
        self._failed += not outcome.healthy
        self._last_healthy = outcome.healthy
        turn = self._alerts.note(outcome)
        self._metrics.note(outcome, self._alerts.failures, alerting=self._alerts.standing)
        self._log.ran(outcome, self._alerts.failures)
        if turn is not None:
            self._log.turned(turn)


async def _either(*waited_for: asyncio.Future[None] | asyncio.Future[int]) -> None:
    await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)


@contextlib.contextmanager
def _told_to_end(for_s: float | None) -> Iterator[asyncio.Future[int]]:
    """A future of the signal that ended it: SIGINT, SIGTERM, or 0 after that many seconds."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[int] = loop.create_future()

    def tell(by: int) -> None:
        if not told.done():
            told.set_result(by)

    timer = None if for_s is None else loop.call_later(for_s, tell, ENDED_BY_TIME)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell, int(number))
    try:
        yield told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        if timer is not None:
            timer.cancel()
