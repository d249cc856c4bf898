"""Asks whether everything is there that a conversation needs, and makes nothing to find out.

The same questions with the same strictness in every environment; each one is critical.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netra_backend.app.agents.agent_supervisor import AgentSupervisor
from netra_backend.app.agents.agent_websocket_bridge import AgentWebSocketBridge
from netra_backend.app.agents.agents import DEFAULT_AGENT, AgentRegistry
from netra_backend.app.agents.tools import ToolRegistry
from netra_backend.app.cache.connection_limits import ConnectionLimits
from netra_backend.app.cache.event_bus import EventBus
from netra_backend.app.cache.redis_link import RedisLink
from netra_backend.app.cache.token_revocation import TokenRevocation
from netra_backend.app.core import failures as codes
from netra_backend.app.core.checks import Check, ChecksMade
from netra_backend.app.core.failures import StartupFailure
from netra_backend.app.core.user_execution_context import UserContextFactory
from netra_backend.app.db.postgres import Postgres
from netra_backend.app.db.schema import PRICES, SCHEMA_VERSION, TABLES, database_state
from netra_backend.app.metrics import Metrics
from netra_backend.app.services.identity import TokenRefused
from netra_backend.app.services.thread_service import ThreadService
from netra_backend.app.services.unified_authentication_service import UnifiedAuthenticationService
from netra_backend.app.settings import Settings
from netra_backend.app.websocket_core.heartbeat import Heartbeat
from netra_backend.app.websocket_core.message_router import MessageRouter
from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManagerFactory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netra_backend.app.core.services import Services

TOOLS = ["estimate_cost", "search_thread", "summarise_usage"]
HANDLED_MESSAGES = ["History", "Ping", "UserMessage"]
_INSTANCES_MADE = "request_scoped_instances_made"


class StartupValidator:
    """Asks every component; what it was told is kept for the report, whether it is good or not."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def validate(self) -> None:
        """Ask everything.

        Raises an ExceptionGroup of StartupFailure, one for each answer that is not as expected, or
        DependencyUnavailable when a dependency went away meanwhile.
        """
        made = self._services.of(ChecksMade)
        made.checks.clear()
        made.checks.extend(self._validate_settings())
        made.checks.extend(await self._validate_postgres())
        made.checks.extend(await self._validate_redis())
        made.checks.extend(await self._validate_authentication())
        made.checks.extend(self._validate_agents())
        made.checks.extend(self._validate_websocket())
        if failed := [_failure(check) for check in made.checks if check.status == "fail"]:
            raise ExceptionGroup("startup validation", failed)

    def _validate_settings(self) -> Iterable[Check]:
        settings, metrics = self._services.of(Settings), self._services.of(Metrics)
        labelled = metrics.registry.get_sample_value(
            "netra_build_info", {"environment": settings.environment, "release": settings.release}
        )
        keys = sum(key is not None for key in (settings.jwt_secret, settings.jwt_public_key))
        yield Check("settings", "token_keys", observed=keys, expected=1)
        yield Check("telemetry", "labelled", observed=labelled == 1, expected=True)

    async def _validate_postgres(self) -> list[Check]:
        postgres, of_threads = self._services.of(Postgres), self._services.of(ThreadService).postgres
        found = await database_state(postgres)
        tables = found.tables if of_threads is postgres else (await database_state(of_threads)).tables
        return [
            Check("postgres", "tls", observed=found.tls_in_use, expected=postgres.tls_asked_for),
            Check("schema", "version", observed=found.version, expected=SCHEMA_VERSION),
            Check("schema", "priced_models", observed=found.price_count >= len(PRICES), expected=True),
            Check("thread_service", "tables", observed=tables, expected=list(TABLES)),
        ]

    async def _validate_redis(self) -> list[Check]:
        redis, limits = self._services.of(RedisLink), self._services.of(ConnectionLimits)
        await redis.ping()
        revoked = await self._services.of(TokenRevocation).is_revoked("startup-validation")
        return [
            Check("redis", "answers", observed=True, expected=True),
            Check("redis", "tls", observed=redis.tls_in_use, expected=redis.tls_asked_for),
            Check("token_revocation", "unknown_token_revoked", observed=revoked, expected=False),
            Check("event_bus", "subscribed", observed=self._services.of(EventBus).connected, expected=True),
            Check(
                "connection_limits", "leases_of_nobody", observed=await limits.held("startup validation"), expected=0
            ),
        ]

    async def _validate_authentication(self) -> list[Check]:
        service = self._services.of(UnifiedAuthenticationService)
        try:
            await service.judge("no.token.this")
            outcome = "accepted"
        except TokenRefused as refused:
            outcome = refused.code
        return [
            Check("auth_service", "algorithm", service.algorithm, expected=self._services.of(Settings).jwt_algorithm),
            Check("auth_service", "judgement_of_no_token", observed=outcome, expected="token_malformed"),
        ]

    def _validate_agents(self) -> Iterable[Check]:
        agents = self._services.of(AgentRegistry)
        supervised = self._services.of(AgentSupervisor).agents is agents
        yield Check("tool_registry", "tools", observed=self._services.of(ToolRegistry).names, expected=TOOLS)
        yield Check("agent_registry", "agents", observed=agents.names, expected=[DEFAULT_AGENT])
        yield Check("agent_supervisor", "has_the_registered_agents", observed=supervised, expected=True)

    def _validate_websocket(self) -> Iterable[Check]:
        contexts, managers = self._services.of(UserContextFactory), self._services.of(WebSocketManagerFactory)
        delivers = self._services.of(AgentWebSocketBridge).delivers_to(managers)
        router = self._services.of(MessageRouter)
        beats = self._services.of(Heartbeat)
        yield Check("user_context_factory", _INSTANCES_MADE, observed=contexts.instances_made, expected=0)
        yield Check("websocket_manager_factory", _INSTANCES_MADE, observed=managers.instances_made, expected=0)
        yield Check("agent_websocket_bridge", "delivers", observed=delivers, expected=True)
        yield Check("message_router", "handlers", observed=len(router.registered), expected=len(HANDLED_MESSAGES))
        yield Check("message_handlers", "registered", observed=router.registered, expected=HANDLED_MESSAGES)
        yield Check("heartbeat", "beats_for_the_managers", observed=beats.managers is managers, expected=True)


def _failure(check: Check) -> StartupFailure:
    code = codes.FACTORY_VIOLATION if check.measurement == _INSTANCES_MADE else codes.CHECK_FAILED
    return StartupFailure(
        code,
        f"{check.component}:{check.measurement} is {check.observed!r}, expected {check.expected!r}.",
        f"See what the step {check.component} does, and what was done before it.",
        check.component,
    )
