"""One manager per connection, made through its factory, never without a UserExecutionContext.

The factory counts what it has made, so that startup validation can ask whether anything was made before there was a
connection, without making one itself.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from netra_backend.app.core.failures import FactoryViolation
from netra_backend.app.core.user_execution_context import UserContextFactory, UserExecutionContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netra_backend.app.websocket_core.refusals import Ending, Frame
    from netra_backend.app.websocket_core.wire import Wire


class WebSocketManager:
    """Speaks to one connection of one user; belongs to it, and to nobody else."""

    def __init__(self, context: UserExecutionContext, wire: Wire, made_by: WebSocketManagerFactory) -> None:
        if not isinstance(context, UserExecutionContext):
            raise FactoryViolation(
                "WebSocket manager creation requires valid UserExecutionContext. Import-time initialization is "
                "prohibited. Use request-scoped factory pattern instead."
            )
        self.context = context
        self._wire = wire
        made_by.count(self)

    def send(self, frame: Frame) -> None:
        """Send a frame to this connection, after those before it."""
        self._wire.send(frame)

    def end(self, ending: Ending) -> None:
        """Order the end of this connection."""
        self._wire.end(ending)


class WebSocketManagerFactory:
    """Makes the managers, and knows those whose connections are open on this replica."""

    def __init__(self, contexts: UserContextFactory) -> None:
        self.contexts = contexts
        self.instances_made = 0
        self._open: defaultdict[str, dict[str, WebSocketManager]] = defaultdict(dict)

    def create(self, context: UserExecutionContext, wire: Wire) -> WebSocketManager:
        """Make the manager of a connection. Raises FactoryViolation (a ValueError) without a valid context."""
        return WebSocketManager(context, wire, self)

    def count(self, _manager: WebSocketManager) -> None:
        """Count a manager; every one comes by here, whoever made it."""
        self.instances_made += 1

    def opened(self, manager: WebSocketManager) -> None:
        """Deliver to this manager from now on."""
        self._open[manager.context.user_id][manager.context.connection_id] = manager

    def closed(self, manager: WebSocketManager) -> None:
        """Deliver to it no longer."""
        of_user = self._open.get(manager.context.user_id, {})
        of_user.pop(manager.context.connection_id, None)
        if not of_user:
            self._open.pop(manager.context.user_id, None)

    def open_managers(self) -> Iterator[WebSocketManager]:
        """Every manager whose connection is open here."""
        for of_user in list(self._open.values()):
            yield from list(of_user.values())

    def deliver(self, user_id: str, sender: str, event: dict[str, Any]) -> None:
        """Send an event to this user's connections here, but for the one that it came from, which has it already."""
        for connection_id, manager in list(self._open.get(user_id, {}).items()):
            if connection_id != sender:
                manager.send(event)
