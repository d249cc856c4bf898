"""Which handler a message goes to. The router knows types; the handlers are registered by a later step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netra_backend.app.websocket_core.messages import refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from netra_backend.app.websocket_core.messages import ClientMessage
    from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManager

    Handler = Callable[[WebSocketManager, Any], Awaitable[None]]


class MessageRouter:
    """Takes each message to the one handler of its type."""

    def __init__(self) -> None:
        self._handlers: dict[type[ClientMessage], Handler] = {}

    @property
    def registered(self) -> list[str]:
        """The names of the message classes that have a handler, sorted."""
        return sorted(kind.__name__ for kind in self._handlers)

    def register(self, kind: type[ClientMessage], handler: Handler) -> None:
        """Give a message class its handler. Raises ValueError when it has one."""
        if kind in self._handlers:
            raise ValueError(f"{kind.__name__} has a handler already")
        self._handlers[kind] = handler

    async def dispatch(self, manager: WebSocketManager, message: ClientMessage) -> None:
        """Handle a message. Raises MessageRefused when nobody does, and whatever its handler raises."""
        handler = self._handlers.get(type(message))
        if handler is None:
            raise refused("unexpected_type", "This message is not expected here.", "type")
        await handler(manager, message)
