"""`/ws`: the Origin before the upgrade, and everything else after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from netra_backend.app.websocket_core.conversation import Conversation
from netra_backend.app.websocket_core.handshake import origin_is_allowed, selected_subprotocol

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from netra_backend.app.backend import Backend

log = structlog.stdlib.get_logger(__name__)


async def websocket_endpoint(websocket: WebSocket) -> None:
    """Refuse a forbidden Origin with 403; accept everybody else, always before authentication."""
    backend: Backend = websocket.app.state.backend
    settings = backend.reading.settings
    if settings is not None and not origin_is_allowed(websocket, settings):
        backend.metrics.handshakes.labels(status="403").inc()
        log.info("origin refused")
        await websocket.send_denial_response(JSONResponse({"code": "origin_forbidden"}, status_code=403))
        return
    await websocket.accept(subprotocol=selected_subprotocol(websocket))
    backend.metrics.handshakes.labels(status="101").inc()
    await Conversation(websocket, backend).hold()


async def upgrade_required(_request: Request) -> JSONResponse:
    """Tell a plain HTTP request what this path speaks (RFC 9110 §15.5.22)."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return JSONResponse({"code": "upgrade_required"}, status_code=426, headers=headers)


ROUTES = (WebSocketRoute("/ws", websocket_endpoint), Route("/ws", upgrade_required))
