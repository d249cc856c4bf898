"""Looks at environments where they run. Nothing is booted, and nothing is done to them."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from envparity.errors import LaunchError
from envparity.launch.attached.health import DeployedHealth
from envparity.launch.attached.pace import Gentle, Pace
from envparity.launch.attached.stack import AttachedStack
from envparity.launch.port import Endpoint, Stack, Waiting
from envparity.launch.shown_certificate import look
from envparity.model.case import Boot, Case
from envparity.model.deployed.identity import Credentials, shown_source
from envparity.model.deployed.target import parse_target
from envparity.model.deployed.tls import client_context
from envparity.model.deployment import Deployed
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.reach import known_settings
from envparity.observe.image import ImageRecord
from envparity.support.redaction.raising import raised_without_secrets

__all__ = ["AttachedLauncher"]


class AttachedLauncher:
    """Observes the environments of a project that are attached."""

    name = "attached"
    images: tuple[ImageRecord, ...] = ()
    reason = ""

    def __init__(self, project: Project, run_id: str | None = None) -> None:
        self._project = project
        self._run_id = run_id or secrets.token_hex(4)

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def cannot_check(self) -> tuple[str, ...]:
        return tuple(
            f"{name}, attached to {value.url}: another boot (a failing startup, an order, an outage, a shutdown); its "
            "settings, which are unknown; its logs, exit status and limits; which replica answers"
            for name, value in self._project.attached.items()
        )

    async def close(self) -> None:
        """Nothing was made."""

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        case = Case(environment.name, self._project.backend.name, boot)
        deployed = self._project.attached.get(environment.name)
        if deployed is None or environment is not self._project.environments.get(environment.name) or not boot.steady:
            raise LaunchError(f"{case}: what is attached is looked at as it is, and not booted")
        stack = self._stack(case, deployed, waiting)
        with raised_without_secrets(lambda: stack.redaction):
            try:
                if source := shown_source(deployed):
                    waiting(source)
                await stack.renew()
                waiting(f"{deployed.url} to answer")
                await self._reach(stack)
                yield stack
            finally:
                await stack.health.close()

    def _stack(self, case: Case, deployed: Deployed, waiting: Waiting) -> AttachedStack:
        target = parse_target(deployed.url)
        backend, environment = self._project.backend, self._project.environments[case.environment]
        settings = known_settings(backend, environment)
        connections = Pace(deployed.max_connections_per_minute)
        allowed = settings.get(backend.messages_per_minute_setting or "", "")
        # Where scenarios have users of their own, each sends fewer messages than one may in a minute: see `reach`.
        one_user = deployed.gives_token or deployed.user is not None
        per_minute = max(int(allowed) - 1, 1) if one_user and allowed.isdigit() else None
        tls = _trusting(deployed) if target.tls or deployed.health is not None else None
        return AttachedStack(
            case=case,
            backend=backend,
            url=str(target),
            endpoint=Endpoint(
                (target.host, target.port),
                target.authority,
                tls if target.tls else None,
                path=target.path,
                hops="unknown",
                restraint=Gentle(connections, Pace(per_minute)),
            ),
            given=settings,
            health=DeployedHealth(deployed.health or target.origin, tls, connections),
            credentials=Credentials(msgspec.structs.replace(environment, deployed=deployed), backend.scheme),
            deployed=deployed,
            waiting=waiting,
        )

    async def _reach(self, stack: AttachedStack) -> None:
        restraint = stack.endpoint.restraint
        if restraint is not None:
            await restraint.before_connecting()
        stack.certificate = await look(stack.endpoint, self._project.backend.phases.connect_s)


def _trusting(deployed: Deployed) -> ssl.SSLContext:
    """A client's context for what is deployed there: it checks certificates and hosts, and shows its own certificate.

    Raises `LaunchError` where a file cannot be read.
    """
    try:
        return client_context(deployed.ca, deployed.client_certificate, deployed.client_key)
    except OSError as error:
        files = (deployed.ca, deployed.client_certificate, deployed.client_key)
        read = " or ".join(file for file in files if file is not None)
        raise LaunchError(f"{read} cannot be read: {error.strerror or error}") from error
