"""Keeps connections alive: a frame to each one at an interval, so that no ingress finds them idle.

The frames are the application's (`{"type": "heartbeat"}`), because an ASGI application cannot send protocol pings.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from netra_backend.app.core.moments import now

if TYPE_CHECKING:
    from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManager, WebSocketManagerFactory


class Heartbeat:
    """Beats for the connections whose managers come from this factory."""

    def __init__(self, managers: WebSocketManagerFactory, interval_s: float) -> None:
        self.managers = managers
        self.interval_s = interval_s

    async def beat(self, manager: WebSocketManager) -> None:
        """Beat for one connection until cancelled."""
        while True:
            await asyncio.sleep(self.interval_s)
            manager.send({"type": "heartbeat", "server_time": now()})
