"""Managers: one per connection, never without a context, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from netra_backend.app.core.failures import FactoryViolation
from netra_backend.app.core.user_execution_context import UserContextFactory
from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManager, WebSocketManagerFactory

if TYPE_CHECKING:
    from netra_backend.app.websocket_core.wire import Wire


class Heard:
    """What a connection would be sent; a wire without a socket."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []

    def send(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)

    def wire(self) -> Wire:
        """It, as the manager sees it."""
        return cast("Wire", self)


def connected(factory: WebSocketManagerFactory, user_id: str) -> tuple[WebSocketManager, Heard]:
    """A manager whose connection is open, and what it is sent."""
    heard = Heard()
    manager = factory.create(factory.contexts.for_connection(user_id), heard.wire())
    factory.opened(manager)
    return manager, heard


@pytest.mark.parametrize("context", [None, "user", {"user_id": "user"}])
def test_no_manager_without_a_context(context: Any) -> None:
    """The factory refuses with a ValueError that quotes the architecture, and has made nothing."""
    factory = WebSocketManagerFactory(UserContextFactory())
    with pytest.raises(ValueError, match="requires valid UserExecutionContext") as refused:
        factory.create(context, Heard().wire())
    assert isinstance(refused.value, FactoryViolation)
    assert factory.instances_made == 0


def test_every_manager_is_counted_whoever_makes_it() -> None:
    """Also one that is made past the factory's own method."""
    factory = WebSocketManagerFactory(UserContextFactory())
    context = factory.contexts.for_connection("user")
    factory.create(context, Heard().wire())
    WebSocketManager(context, Heard().wire(), factory)
    assert factory.instances_made == 2


def test_events_go_to_the_users_open_connections_but_the_senders() -> None:
    """Not to the sender, who has it; not to other users; not to a connection that has closed."""
    factory = WebSocketManagerFactory(UserContextFactory())
    (sender, of_sender), (_, of_other), (gone, of_gone) = (connected(factory, "user") for _ in range(3))
    _, of_stranger = connected(factory, "stranger")
    factory.closed(gone)
    factory.deliver("user", sender.context.connection_id, {"type": "x"})
    assert (of_sender.frames, of_other.frames, of_gone.frames, of_stranger.frames) == ([], [{"type": "x"}], [], [])
    factory.deliver("nobody", "", {"type": "x"})
