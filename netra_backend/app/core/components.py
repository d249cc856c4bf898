"""The components, in their canonical order, and what each step does.

What a step starts is imported by the step: a module that breaks when it is imported then fails the step that needs it,
by name, and the process stays up to say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netra_backend.app.core import failures as codes
from netra_backend.app.core.failures import StartupFailure
from netra_backend.app.core.startup import Component
from netra_backend.app.logs import configure_logging

if TYPE_CHECKING:
    from netra_backend.app.core.services import Services
    from netra_backend.app.metrics import Metrics
    from netra_backend.app.settings import Settings, SettingsReading

CONNECT_ATTEMPT_S = 5.0
"""How long one attempt to connect may hang before the next one, where the step's deadline leaves room for three."""


class ComponentSteps:
    """What each step does, with the settings and metrics of one application."""

    def __init__(self, reading: SettingsReading, metrics: Metrics) -> None:
        self._reading = reading
        self._metrics = metrics

    def components(self) -> tuple[Component, ...]:
        """Every component with what it requires, in the canonical order."""
        last = "startup_validation"
        known = self._reading.settings
        postgres = ("postgres", known.startup_postgres_timeout_s if known else None)
        redis = ("redis", known.startup_redis_timeout_s if known else None)
        before = (
            Component("settings", (), self.settings),
            Component("telemetry", ("settings",), self.telemetry),
            Component("postgres", ("settings",), self.postgres, *postgres),
            Component("schema", ("postgres",), self.schema, *postgres),
            Component("redis", ("settings",), self.redis, *redis),
            Component("token_revocation", ("redis",), self.token_revocation),
            Component("auth_service", ("settings", "token_revocation"), self.auth_service),
            Component("user_context_factory", ("auth_service",), self.user_context_factory),
            Component("websocket_manager_factory", ("user_context_factory",), self.websocket_manager_factory),
            Component("event_bus", ("redis",), self.event_bus, *redis),
            Component("thread_service", ("schema",), self.thread_service),
            Component("tool_registry", ("settings",), self.tool_registry),
            Component("agent_registry", ("tool_registry",), self.agent_registry),
            Component("agent_supervisor", ("agent_registry", "thread_service"), self.agent_supervisor),
            Component("message_router", ("settings",), self.message_router),
            Component(
                "agent_websocket_bridge",
                ("agent_supervisor", "websocket_manager_factory", "event_bus"),
                self.agent_websocket_bridge,
            ),
            Component("message_handlers", ("message_router", "agent_websocket_bridge"), self.message_handlers),
            Component("heartbeat", ("websocket_manager_factory",), self.heartbeat),
            Component("connection_limits", ("redis",), self.connection_limits),
        )
        return (*before, Component(last, tuple(part.name for part in before), self.startup_validation))

    @property
    def usable(self) -> Settings:
        """The settings, where the settings step has passed."""
        if self._reading.settings is None:
            raise LookupError("the settings are unusable, and yet a step that requires them was run")
        return self._reading.settings

    def _attempt_s(self, own_timeout_s: float | None) -> float:
        return min(CONNECT_ATTEMPT_S, (own_timeout_s or self.usable.startup_step_timeout_s) / 3)

    async def settings(self, services: Services) -> None:
        """Refuse unusable settings, all mistakes at once."""
        if self._reading.settings is None:
            raise ExceptionGroup(
                "settings",
                [
                    StartupFailure(codes.SETTINGS_INVALID, f"{problem}.", f"Correct {problem.name}.", "settings")
                    for problem in self._reading.problems
                ],
            )
        services.provide(self._reading.settings)

    async def telemetry(self, services: Services) -> None:
        """Log in the format asked for, and label logs and metrics."""
        labels = {"environment": self.usable.environment, "release": self.usable.release}
        configure_logging(self.usable.log_format, **labels)
        self._metrics.build_info.labels(**labels).set(1)
        services.provide(self._metrics)

    async def postgres(self, services: Services) -> None:
        """Open the pool."""
        from netra_backend.app.db.postgres import Postgres, PostgresAddress

        pool = await Postgres.connect(
            PostgresAddress.from_url(self.usable.database_url.get_secret_value()),
            pool_size=self.usable.database_pool_size,
            attempt_timeout_s=self._attempt_s(self.usable.startup_postgres_timeout_s),
        )
        services.provide(pool, close=pool.close)

    async def schema(self, services: Services) -> None:
        """Create what tables and prices are missing."""
        from netra_backend.app.db.postgres import Postgres
        from netra_backend.app.db.schema import create_schema

        await create_schema(services.of(Postgres))

    async def redis(self, services: Services) -> None:
        """Connect, and have Redis answer."""
        from netra_backend.app.cache.redis_link import RedisLink

        link = RedisLink(self.usable.redis_url.get_secret_value())
        try:
            await link.ping(self._attempt_s(self.usable.startup_redis_timeout_s))
        except BaseException:
            await link.close()
            raise
        services.provide(link, close=link.close)

    async def token_revocation(self, services: Services) -> None:
        """Be able to ask which tokens were revoked."""
        from netra_backend.app.cache.redis_link import RedisLink
        from netra_backend.app.cache.token_revocation import TokenRevocation

        services.provide(TokenRevocation(services.of(RedisLink)))

    async def auth_service(self, services: Services) -> None:
        """Be able to judge tokens."""
        from netra_backend.app.cache.token_revocation import TokenRevocation
        from netra_backend.app.services.unified_authentication_service import UnifiedAuthenticationService

        services.provide(UnifiedAuthenticationService(self.usable, services.of(TokenRevocation)))

    async def user_context_factory(self, services: Services) -> None:
        """Be able to make contexts; make none."""
        from netra_backend.app.core.user_execution_context import UserContextFactory

        services.provide(UserContextFactory())

    async def websocket_manager_factory(self, services: Services) -> None:
        """Be able to make managers; make none."""
        from netra_backend.app.core.user_execution_context import UserContextFactory
        from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManagerFactory

        services.provide(WebSocketManagerFactory(services.of(UserContextFactory)))

    async def event_bus(self, services: Services) -> None:
        """Subscribe to the users' events."""
        from netra_backend.app.cache.event_bus import EventBus
        from netra_backend.app.cache.redis_link import RedisLink

        bus = EventBus(services.of(RedisLink))
        try:
            await bus.start()
        except BaseException:
            await bus.close()
            raise
        services.provide(bus, close=bus.close)

    async def thread_service(self, services: Services) -> None:
        """Be able to store and find what was said."""
        from netra_backend.app.db.postgres import Postgres
        from netra_backend.app.services.thread_service import ThreadService

        services.provide(ThreadService(services.of(Postgres)))

    async def tool_registry(self, services: Services) -> None:
        """Register the tools."""
        from netra_backend.app.agents.tools import EstimateCost, SearchThread, SummariseUsage, ToolRegistry

        registry = services.provide(ToolRegistry())
        for tool in (SearchThread(), SummariseUsage(), EstimateCost()):
            registry.register(tool)

    async def agent_registry(self, services: Services) -> None:
        """Register the agent, with the tools."""
        from netra_backend.app.agents.agents import DEFAULT_AGENT, Agent, AgentRegistry
        from netra_backend.app.agents.planner import KeywordPlanner
        from netra_backend.app.agents.tools import ToolRegistry

        registry = services.provide(AgentRegistry())
        registry.register(Agent(DEFAULT_AGENT, KeywordPlanner(), services.of(ToolRegistry)))

    async def agent_supervisor(self, services: Services) -> None:
        """Be able to run agents."""
        from netra_backend.app.agents.agent_supervisor import AgentSupervisor
        from netra_backend.app.agents.agents import AgentRegistry
        from netra_backend.app.services.thread_service import ThreadService

        services.provide(AgentSupervisor(services.of(AgentRegistry), services.of(ThreadService)))

    async def message_router(self, services: Services) -> None:
        """Make the router; its handlers come in a later step."""
        from netra_backend.app.websocket_core.message_router import MessageRouter

        services.provide(MessageRouter())

    async def agent_websocket_bridge(self, services: Services) -> None:
        """Join agents, managers and event bus."""
        from netra_backend.app.agents.agent_supervisor import AgentSupervisor
        from netra_backend.app.agents.agent_websocket_bridge import AgentWebSocketBridge
        from netra_backend.app.cache.event_bus import EventBus
        from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManagerFactory

        supervisor, bus = services.of(AgentSupervisor), services.of(EventBus)
        managers = services.of(WebSocketManagerFactory)
        services.provide(AgentWebSocketBridge(supervisor, managers, bus, self._metrics))

    async def message_handlers(self, services: Services) -> None:
        """Register the handlers with the router."""
        from netra_backend.app.agents.agent_supervisor import AgentSupervisor
        from netra_backend.app.agents.agent_websocket_bridge import AgentWebSocketBridge
        from netra_backend.app.websocket_core.message_handlers import MessageHandlers
        from netra_backend.app.websocket_core.message_router import MessageRouter

        handlers = MessageHandlers(services.of(AgentWebSocketBridge), services.of(AgentSupervisor).threads)
        services.provide(handlers).register_with(services.of(MessageRouter))

    async def heartbeat(self, services: Services) -> None:
        """Be able to keep connections alive."""
        from netra_backend.app.websocket_core.heartbeat import Heartbeat
        from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManagerFactory

        managers = services.of(WebSocketManagerFactory)
        services.provide(Heartbeat(managers, self.usable.websocket_heartbeat_interval_s))

    async def connection_limits(self, services: Services) -> None:
        """Be able to count a user's connections over all replicas."""
        from netra_backend.app.cache.connection_limits import ConnectionLimits
        from netra_backend.app.cache.redis_link import RedisLink

        services.provide(ConnectionLimits(services.of(RedisLink), self.usable.websocket_connections_per_user))

    async def startup_validation(self, services: Services) -> None:
        """Ask whether everything is there; make nothing."""
        from netra_backend.app.core.startup_validation import StartupValidator

        await StartupValidator(services).validate()
