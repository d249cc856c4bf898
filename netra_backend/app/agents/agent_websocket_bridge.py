"""Between the conversation and the agent: a message in, its events out to every connection of the user."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import structlog

from netra_backend.app.core.failures import DependencyUnavailable

if TYPE_CHECKING:
    from netra_backend.app.agents.agent_supervisor import AgentSupervisor
    from netra_backend.app.cache.event_bus import EventBus
    from netra_backend.app.metrics import Metrics
    from netra_backend.app.services.thread_service import Claim
    from netra_backend.app.websocket_core.messages import UserMessage
    from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManager, WebSocketManagerFactory

log = structlog.stdlib.get_logger(__name__)


class AgentWebSocketBridge:
    """Has each message answered once. The connection that asked hears directly, the user's others through the bus."""

    def __init__(
        self, supervisor: AgentSupervisor, managers: WebSocketManagerFactory, bus: EventBus, metrics: Metrics
    ) -> None:
        self._supervisor = supervisor
        self._managers = managers
        self._bus = bus
        self._metrics = metrics
        bus.deliver_to(managers.deliver)

    def delivers_to(self, managers: WebSocketManagerFactory) -> bool:
        """Whether what the bus brings goes to these managers."""
        return self._managers is managers and self._bus.delivers

    async def answer(self, manager: WebSocketManager, message: UserMessage) -> None:
        """Answer a message, or repeat its answer. Raises ThreadNotFound, RunInProgress, DependencyUnavailable."""
        user_id = manager.context.user_id
        claim = await self._supervisor.threads.claim(user_id, message.message_id, message.thread_id, message.text)
        if claim.completed is not None:
            manager.send({**claim.completed, "duplicate": True})
            return
        finished = False
        try:
            with self._metrics.agent_run_seconds.time():
                await self._run(manager, message, claim)
            finished = True
        finally:
            if not finished:
                await self._release(user_id, message.message_id, claim.run_id)

    async def _run(self, manager: WebSocketManager, message: UserMessage, claim: Claim) -> None:
        context = self._managers.contexts.for_run(manager.context, thread_id=claim.thread_id, run_id=claim.run_id)
        began = time.perf_counter()
        async with aclosing(self._supervisor.run(context, message.message_id, message.text)) as events:
            async for event in events:
                await self._bus.publish(context.user_id, context.connection_id, event)
                manager.send(event)
        log.info("agent run", run_id=claim.run_id, duration_ms=round((time.perf_counter() - began) * 1000, 3))

    async def _release(self, user_id: str, message_id: str, run_id: str) -> None:
        try:
            await self._supervisor.threads.release(user_id, message_id, run_id)
        except DependencyUnavailable:
            log.warning("claim not released; this replica may take it over at once", run_id=run_id)
