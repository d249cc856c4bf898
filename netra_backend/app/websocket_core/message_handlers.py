"""What is done with each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netra_backend.app.core.moments import now
from netra_backend.app.services.thread_service import RunInProgress, ThreadNotFound
from netra_backend.app.websocket_core.messages import History, MessageRefused, Ping, UserMessage, refused
from netra_backend.app.websocket_core.refusals import error_frame

if TYPE_CHECKING:
    from netra_backend.app.agents.agent_websocket_bridge import AgentWebSocketBridge
    from netra_backend.app.services.thread_service import ThreadService
    from netra_backend.app.websocket_core.message_router import MessageRouter
    from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManager


class MessageHandlers:
    """The handlers of `user_message`, `history` and `ping`."""

    def __init__(self, bridge: AgentWebSocketBridge, threads: ThreadService) -> None:
        self._bridge = bridge
        self._threads = threads

    def register_with(self, router: MessageRouter) -> None:
        """Give the router a handler for each message that is expected in a conversation."""
        router.register(UserMessage, self.user_message)
        router.register(History, self.history)
        router.register(Ping, self.ping)

    async def user_message(self, manager: WebSocketManager, message: UserMessage) -> None:
        """Have it answered. Raises MessageRefused, DependencyUnavailable."""
        try:
            await self._bridge.answer(manager, message)
        except ThreadNotFound:
            raise _no_such_thread(message.message_id) from None
        except RunInProgress:
            raise MessageRefused(
                error_frame(
                    "message_in_progress",
                    "This message is being answered.",
                    retryable=True,
                    message_id=message.message_id,
                )
            ) from None

    async def history(self, manager: WebSocketManager, message: History) -> None:
        """Send what was said in the user's own thread. Raises MessageRefused, DependencyUnavailable."""
        try:
            said = await self._threads.history(manager.context.user_id, message.thread_id, message.limit)
        except ThreadNotFound:
            raise _no_such_thread() from None
        manager.send(
            {"type": "history", "thread_id": message.thread_id, "messages": [earlier._asdict() for earlier in said]}
        )

    async def ping(self, manager: WebSocketManager, message: Ping) -> None:
        """Answer, with the id of the ping where it has one."""
        identified = {} if message.id is None else {"id": message.id}
        manager.send({"type": "pong", **identified, "server_time": now()})


def _no_such_thread(message_id: str | None = None) -> MessageRefused:
    refusal = refused("thread_not_found", "The user has no such thread.", "thread_id")
    if message_id is not None:
        refusal.error["message_id"] = message_id
    return refusal
