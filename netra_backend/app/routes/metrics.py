"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request


async def metrics(request: Request) -> Response:
    """Everything that is counted, as text."""
    return Response(generate_latest(request.app.state.backend.metrics.registry), media_type=CONTENT_TYPE_LATEST)


ROUTES = (Route("/metrics", metrics),)
