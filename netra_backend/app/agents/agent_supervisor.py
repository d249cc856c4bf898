"""Runs an agent on one message and says what it does, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netra_backend.app.agents.agents import DEFAULT_AGENT
from netra_backend.app.core.moments import now

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from netra_backend.app.agents.agents import AgentRegistry
    from netra_backend.app.core.user_execution_context import UserExecutionContext
    from netra_backend.app.services.thread_service import ThreadService

Event = dict[str, Any]


class AgentSupervisor:
    """Has messages answered by an agent; the answer is stored before it is given."""

    def __init__(self, agents: AgentRegistry, threads: ThreadService) -> None:
        self.agents = agents
        self.threads = threads

    async def run(self, context: UserExecutionContext, message_id: str, text: str) -> AsyncGenerator[Event, None]:
        """The five events, in order, numbered from 1. Raises DependencyUnavailable."""
        tool = self.agents.named(DEFAULT_AGENT).plan(text)
        yield _event("agent_started", 1, context, message_id)
        yield _event("agent_thinking", 2, context, message_id)
        yield _event("tool_executing", 3, context, message_id, tool=tool.name)
        answer = await tool.run(context, text, self.threads)
        yield _event("tool_completed", 4, context, message_id, tool=tool.name)
        completed = _event("agent_completed", 5, context, message_id, answer=answer)
        await self.threads.complete(context, message_id, answer, completed)
        yield completed


def _event(type_: str, sequence: int, context: UserExecutionContext, message_id: str, **more: str) -> Event:
    return {
        "type": type_,
        "message_id": message_id,
        "run_id": context.run_id,
        "thread_id": context.thread_id,
        "sequence": sequence,
        "timestamp": now(),
        **more,
    }
