"""The graph as the architecture has it."""

from __future__ import annotations

from netra_backend.app.core.components import ComponentSteps
from netra_backend.app.core.startup_order import ancestors
from netra_backend.app.metrics import Metrics
from netra_backend.app.settings import SettingsReading

REQUIRED = {
    "settings": "",
    "telemetry": "settings",
    "postgres": "settings",
    "schema": "postgres",
    "redis": "settings",
    "token_revocation": "redis",
    "auth_service": "settings token_revocation",
    "user_context_factory": "auth_service",
    "websocket_manager_factory": "user_context_factory",
    "event_bus": "redis",
    "thread_service": "schema",
    "tool_registry": "settings",
    "agent_registry": "tool_registry",
    "agent_supervisor": "agent_registry thread_service",
    "message_router": "settings",
    "agent_websocket_bridge": "agent_supervisor websocket_manager_factory event_bus",
    "message_handlers": "message_router agent_websocket_bridge",
    "heartbeat": "websocket_manager_factory",
    "connection_limits": "redis",
}


def test_the_graph_is_as_documented() -> None:
    """Nineteen components with exactly these requirements, and validation behind all of them."""
    parts = ComponentSteps(SettingsReading(None, (), None, frozenset()), Metrics()).components()
    assert {part.name: " ".join(part.requires) for part in parts[:-1]} == REQUIRED
    assert (parts[-1].name, parts[-1].requires) == ("startup_validation", tuple(REQUIRED))
    assert len(ancestors(parts)) == 20
